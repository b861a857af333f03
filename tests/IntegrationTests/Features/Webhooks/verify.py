# Verifies messages as a receiver would that has read https://www.standardwebhooks.com and nothing of ours: JSON lines in (secret, now, id, timestamp, signature, body in
# base64), a word a line out.
import base64, hashlib, hmac, json, sys

for line in sys.stdin:
    m = json.loads(line)
    if abs(m["now"] - int(m["timestamp"])) > 5 * 60:
        print("replayed")
        continue
    signed = m["id"].encode() + b"." + m["timestamp"].encode() + b"." + base64.b64decode(m["body"])
    key = base64.b64decode(m["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    good = any(hmac.compare_digest(s, "v1," + expected) for s in m["signature"].split(" "))
    print("good" if good else "forged")
