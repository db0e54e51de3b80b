# A machine with the instruments, as far as the agent sees it: Debian that boots with systemd.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS machine
RUN apt-get update \
    && apt-get install -y --no-install-recommends systemd systemd-sysv udev dbus python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt
STOPSIGNAL SIGRTMIN+3
COPY machine-boot /usr/local/sbin/machine-boot
CMD ["/usr/local/sbin/machine-boot"]

# The server, whose engine is that of the machine around it.
FROM machine AS server
RUN apt-get update && apt-get install -y --no-install-recommends docker-cli docker-compose && rm -rf /var/lib/apt/lists/*
