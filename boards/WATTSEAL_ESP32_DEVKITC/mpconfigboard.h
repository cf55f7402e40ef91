#define MICROPY_HW_BOARD_NAME "wattseal meter"
#define MICROPY_HW_MCU_NAME "ESP32"
