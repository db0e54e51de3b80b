# Stands in for timescale/timescaledb where no image can be pulled: Debian's PostgreSQL 17 with its TimescaleDB (the Apache
# edition), and of that image's interface what compose.yaml uses.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-common \
    && echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf \
    && apt-get install -y --no-install-recommends postgresql-17 postgresql-17-timescaledb \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt \
    && usermod --uid 70 postgres && groupmod --gid 70 postgres \
    && sed -i "s/^#shared_preload_libraries = ''/shared_preload_libraries = 'timescaledb'/; s/^#listen_addresses = .*/listen_addresses = '*'/" \
        /usr/share/postgresql/17/postgresql.conf.sample \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data \
    && install -d -o postgres -g postgres -m 3777 /run/postgresql \
    && install -d /docker-entrypoint-initdb.d
COPY database-entrypoint /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
VOLUME ["/var/lib/postgresql/data"]
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
