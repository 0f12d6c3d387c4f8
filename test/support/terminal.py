"""Runs a command at a terminal of its own. Arguments: text to wait for, what is typed then (JSON, '' for nothing), the command.
Prints one JSON object: the exit code (or -signal), and what the terminal showed."""
import json
import os
import pty
import sys

prompt, typed = sys.argv[1].encode(), json.loads(sys.argv[2]).encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
shown = b''
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:  # Linux: EIO when the command has closed its side
        break
    if not part:
        break
    shown += part
    if typed and prompt in shown:
        os.write(terminal, typed)
        typed = b''
_, status = os.waitpid(pid, 0)
print(json.dumps({'code': os.waitstatus_to_exitcode(status), 'shown': shown.decode(errors='replace')}))
