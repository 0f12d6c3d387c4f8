# usage: python itch-peer.py FILE PASSES   Reads a file of ITCH 5.0 with itchfeed (or itchcpp, unless ITCH_NO_CPP is set)
# and prints a line of JSON: the backend, messages of a pass, and seconds of each pass, without the reading of the file.
import json
import sys
import time

import itch
from itch.parser import MessageParser

with open(sys.argv[1], 'rb') as file:
    data = file.read()
parser = MessageParser()
count = 0
seconds = []
for _ in range(int(sys.argv[2])):
    count = 0
    start = time.perf_counter()
    for message in parser.parse_stream(data):
        count += 1
    seconds.append(time.perf_counter() - start)
print(json.dumps({'backend': 'itchcpp' if itch.USING_CPP_BACKEND else 'itchfeed', 'messages': count, 'seconds': seconds}))
