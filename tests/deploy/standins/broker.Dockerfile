# Stands in for eclipse-mosquitto where no image can be pulled: Debian's Mosquitto with that image's interface.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends mosquitto mosquitto-clients \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt \
    && userdel mosquitto && useradd --system --uid 1883 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin mosquitto \
    && ln -s /usr/lib/*/mosquitto_dynamic_security.so /usr/lib/mosquitto_dynamic_security.so \
    && install -d -o mosquitto -g mosquitto /mosquitto /mosquitto/config /mosquitto/data /mosquitto/log
VOLUME ["/mosquitto/data", "/mosquitto/log"]
EXPOSE 1883
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
