#define MICROPY_HW_BOARD_NAME "wattseal meter"
#define MICROPY_HW_MCU_NAME "ESP32S3"

// The console is on both USB connectors: the bridge on UART0, and the chip's own.
#define MICROPY_HW_ENABLE_UART_REPL (1)

#define MICROPY_HW_I2C0_SCL (9)
#define MICROPY_HW_I2C0_SDA (8)
