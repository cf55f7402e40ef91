"""The meter: measures, seals an interval at a time, and answers on its two ports.

The wall between the ports is a rule about imports: what serves the utility (`modbus`,
`registers`, `utility_port`) sees the log and `public`, never a module that knows a reading
(`sensor`, `energy`, `state`, `metering`, `sealer`, `keys`).
"""
