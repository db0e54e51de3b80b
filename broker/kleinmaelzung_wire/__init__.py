"""The contract between agents, gateway, services and clients: pure, no input or output.

topics    every MQTT topic: built, parsed, and the rules (who, QoS, retained) as one table
frames    samples of one instrument as bytes, and back
descriptions  what an instrument is, and its commands
messages  everything else that is sent: state, status, command, reply, logged
sockets   what the two WebSockets carry
access    who may publish and read what, as roles for the broker; rights: a role and where it holds
ledger    what became of a command, as a record
codec     msgpack and JSON with limits against hostile input; WireError (nesting measures bytes for it)
numbers   which frames are known, as ranges
waits     the one back-off of all parts
"""

VERSION = 1
