import { connect, createServer, type Socket } from 'node:net';

/** A server that answers no client until it is back, and counts the attempts. */
export async function layDoor(url: string) {
  const [target, own] = [new URL(url), new URL(url)];
  const sockets = new Set<Socket>();
  const door = { url: '', attempts: 0, isOpen: false, close: () => {} };
  const server = createServer((client) => {
    door.attempts += 1;
    client.on('error', () => {});
    if (!door.isOpen) return client.destroy();
    const there = connect(Number(target.port), target.hostname);
    there.on('error', () => {});
    client.pipe(there).pipe(client);
    for (const socket of [client, there]) sockets.add(socket);
    return client;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const address = server.address();
  own.port = String(typeof address === 'object' ? address?.port : '');
  door.url = own.href;
  door.close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return door;
}
