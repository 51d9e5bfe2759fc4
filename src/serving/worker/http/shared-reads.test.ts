// Both ways in which a connection is read: a caller, and whoever takes it over as a stream, cannot tell which.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { readShared, type BytesRead } from './shared-reads.ts'

interface Pair extends AsyncDisposable {
  readonly server: Server
  readonly caller: Socket
  readonly read: BytesRead
  readonly pieces: Buffer[]
}

async function pairOf(isShared: boolean): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true })
  const accepted = new Promise<BytesRead>((resolve) => {
    server.once('connection', (socket) => resolve(readShared(socket, (bytes) => pieces.push(bytes), isShared)))
  })
  const pieces: Buffer[] = []
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const read = await accepted
  return {
    server,
    caller,
    read,
    pieces,
    async [Symbol.asyncDispose]() {
      caller.destroy()
      read.socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const all = (pieces: readonly Buffer[]): Buffer => Buffer.concat(pieces)

for (const isShared of [true, false]) {
  const way = isShared ? 'through one memory' : 'as a stream'

  test(`${way}: bytes stay what they were when more have come`, async () => {
    await using pair = await pairOf(isShared)
    const sent = randomBytes(1_000_000)
    pair.caller.end(sent)
    await once(pair.read.socket, 'end')
    expect(pair.pieces.length).toBeGreaterThan(1)
    expect(all(pair.pieces).equals(sent)).toBe(true)
  })

  test(`${way}: the other end is answered after it has ended its side, and is told from where it calls`, async () => {
    await using pair = await pairOf(isShared)
    expect(pair.read.socket.remoteAddress).toBe('127.0.0.1')
    pair.caller.end('question')
    await once(pair.read.socket, 'end')
    pair.read.socket.end('answer')
    const [answer] = (await once(pair.caller, 'data')) as [Buffer]
    expect(answer.toString()).toBe('answer')
  })

  test(`${way}: whoever takes the connection over reads the rest, as slowly as it likes`, async () => {
    await using pair = await pairOf(isShared)
    const { read, caller, pieces } = pair
    caller.write('first')
    await expect.poll(() => all(pieces).toString()).toBe('first')
    read.letGo()
    read.socket.pause()
    const sent = randomBytes(32_000_000)
    caller.end(sent)
    await expect.poll(() => caller.bytesWritten).toBeGreaterThan(0)
    await sleep(50)
    // It is not read to the end into memory while nobody asks.
    expect(read.socket.readableLength).toBeLessThan(sent.length / 2)
    const rest: Buffer[] = []
    for await (const piece of read.socket as AsyncIterable<Buffer>) rest.push(piece)
    expect(all(rest).equals(sent)).toBe(true)
    expect(all(pieces).toString()).toBe('first')
  })

  test(`${way}: its server counts it while it is open, and no longer`, async () => {
    await using pair = await pairOf(isShared)
    const count = (): Promise<number> =>
      new Promise((resolve, reject) => {
        pair.server.getConnections((error, found) => (error ? reject(error) : resolve(found)))
      })
    expect(await count()).toBe(1)
    pair.caller.resetAndDestroy()
    pair.read.socket.on('error', () => undefined)
    await expect.poll(count).toBe(0)
  })
}

test('a connection that is gone before it is looked at is told to be closed', async () => {
  await using pair = await pairOf(false)
  const { socket } = pair.read
  socket.destroy()
  await once(socket, 'close')
  const again = readShared(socket, () => undefined)
  expect(again.socket).toBe(socket)
})
