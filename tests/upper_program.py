"""A child program for tests: its arguments and what comes in, in capitals."""

import sys

if __name__ == "__main__":
    sys.stdout.buffer.write("".join(sys.argv[1:]).upper().encode())
    while data := sys.stdin.buffer.read(1 << 16):
        sys.stdout.buffer.write(data.upper())
        sys.stdout.buffer.flush()
