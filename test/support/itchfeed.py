# usage: python itchfeed.py FILE   Prints each message of a file of ITCH 5.0 as itchfeed reads it: type, then the fields in
# the order of the specification, text without padding.
import sys

from itch.parser import MessageParser

with open(sys.argv[1], 'rb') as file:
    for message in MessageParser().parse_stream(file.read()):
        values = dict(vars(message))
        head = [values.pop(name) for name in ('stock_locate', 'tracking_number', 'timestamp')]
        texts = [value.decode('ascii').rstrip() if isinstance(value, bytes) else str(value) for value in [message.message_type, *head, *values.values()]]
        print(' '.join(texts))
