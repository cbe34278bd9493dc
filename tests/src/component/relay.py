"""relay.py inside PORT SOCKET | outside PORT SOCKET: a port of the loopback in a network namespace that leads to one outside, through a
socket in the file system, which namespaces of networks share."""
import asyncio, sys

side, port, socket = sys.argv[1], int(sys.argv[2]), sys.argv[3]


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def relay(reader, writer):
    try:
        far = await (asyncio.open_unix_connection(socket) if side == "inside" else asyncio.open_connection("127.0.0.1", port))
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, far[1]), pump(far[0], writer))


async def main():
    listening = asyncio.start_server(relay, "127.0.0.1", port) if side == "inside" else asyncio.start_unix_server(relay, socket)
    async with await listening as server:
        await server.serve_forever()


asyncio.run(main())
