"""Real boards: their data, flashing, deploying and examining them over a USB cable.

Nothing here was run against an ESP32: tests stand a peer on a pty in its place, which speaks the
boot-loader's protocol and the console's as esptool and mpremote use them.
"""
