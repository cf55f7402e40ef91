#define MICROPY_HW_BOARD_NAME "wattseal meter"
#define MICROPY_HW_MCU_NAME "ESP32C3"

// The chip has two UARTs and the meter two ports: the console is on the chip's own USB alone
// (GPIO18 and GPIO19). Stock images keep UART0 for it.
#define MICROPY_HW_ENABLE_UART_REPL (0)
