# A mail server for tests: takes mails by SMTP on a free port of this machine and writes each into FOLDER, whole or not at all. Ends with its standard input.
#   mail_server.py FOLDER PORT [--tls CERTIFICATE KEY] [--recipient ANSWER]
import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP

folder, port = sys.argv[1], int(sys.argv[2])
options = sys.argv[3:]
context = None
if "--tls" in options:
    at = options.index("--tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options[at + 1], options[at + 2])
refusal = options[options.index("--recipient") + 1] if "--recipient" in options else None


class Mails:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if refusal is not None:
            return f"{refusal} <{address}>"   # as servers do it: with the address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Mails.count += 1
        name = os.path.join(folder, f"{Mails.count:04}.eml")
        with open(name + ".new", "wb") as mail:
            mail.write(f"X-Tls: {session.ssl is not None}\r\n".encode() + envelope.content)
        os.rename(name + ".new", name)
        return "250 OK"


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Mails(), hostname="localhost", tls_context=context, require_starttls=context is not None, enable_SMTPUTF8=True), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(serve())
