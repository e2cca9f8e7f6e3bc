import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Proxy {
  readonly url: string;
  /** From now on nothing that the server says arrives; the line is cut when it says something. */
  readonly cutAnswers: () => void;
  /** Of the lines that there are nothing arrives any more, and nobody hears of it; later ones work. */
  readonly fallSilent: () => void;
}

/** Stands between client and server, as a network does. Until the test ends. */
export async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const sockets: Socket[] = [];
  const silent = new Set<Socket>();
  let isCutting = false;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.push(client, upstream);
    client.pipe(upstream);
    upstream.on('data', (data) => {
      if (isCutting) cut();
      else if (!silent.has(upstream)) client.write(data);
    });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    cut();
    server.close();
  });
  const proxied = new URL(url);
  proxied.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    url: proxied.href,
    cutAnswers: () => {
      isCutting = true;
    },
    fallSilent: () => {
      for (const socket of sockets) silent.add(socket);
    },
  };
}
