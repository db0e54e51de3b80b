"""The broker's configuration in its container, from the template of every deployment (broker/mosquitto.conf)."""

TLS = "certfile /certificates/server.pem\nkeyfile /certificates/server.key\ntls_version tlsv1.2\n"

VALUES = {
    "DYNAMIC_SECURITY_PLUGIN": "/usr/lib/mosquitto_dynamic_security.so",
    "DATA": "/mosquitto/data",
    "USER": "mosquitto",
    # This name is known on the network inside only: the listener that trusts client ids is not reached from outside.
    "INTERNAL_HOST": "broker-inside",
    "INTERNAL_PORT": "1883",
    "HOST": "0.0.0.0",  # noqa: S104 -- of the container; compose.yaml publishes it
    "PORT": "8883",
}


def filled(template: str, *, tls: bool) -> str:
    """The template with our values. It ends with the listener for everyone else, so TLS is appended."""
    text = template
    for name, value in VALUES.items():
        text = text.replace(f"{{{name}}}", value)
    return text.rstrip("\n") + "\n" + (TLS if tls else "")
