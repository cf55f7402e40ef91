"""Reading meters: the utility port (Modbus RTU), the customer port (P1 and lines), resuming."""
