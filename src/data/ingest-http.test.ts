// Sources by HTTP against a real server: what is refused before a byte is sent, and what is stopped on the way.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { ingest, type IngestOutput } from './ingest.ts'
import { Source } from './source.ts'
import { defaultRemoteLimits, type RemoteLimits } from './sources/remote.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

interface Site extends AsyncDisposable {
  readonly port: number
  readonly asked: string[]
}

async function site(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Site> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host} ${request.url}`)
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dispose = async (): Promise<void> => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { port, asked, [Symbol.asyncDispose]: dispose }
}

const run = (shop: DataWorkshop, urls: string[], limits: Partial<RemoteLimits> = {}): Promise<IngestOutput> =>
  shop.step((deps) => ingest(deps, { source: Source.parse({ kind: 'http', urls }), nowMs: 0 }), {
    remote: { ...defaultRemoteLimits, ...limits },
  })

const csv = (_: IncomingMessage, response: ServerResponse): void => void response.end('a,b\n1,x\n2,y\n')

test('files are read from hosts, addresses and networks that are allowed', async () => {
  await using shop = await openDataWorkshop()
  await using server = await site(csv)
  const url = `http://127.0.0.1:${server.port}/rows.csv?token=secret`
  for (const allow of [['127.0.0.1'], [`127.0.0.1:${server.port}`], ['127.0.0.0/8']]) {
    expect((await run(shop, [url], { allow })).manifest).toMatchObject({ rows: 2 })
  }
  expect(
    (await run(shop, [url, `http://localhost:${server.port}/more.csv`], { allow: ['127.0.0.0/8', '::1'] })).manifest
      .rows,
  ).toBe(4)
})

test('loopback, private, link-local, mapped and oddly written addresses are refused before anything is asked', async () => {
  await using shop = await openDataWorkshop()
  await using server = await site(csv)
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '[fe80::1]',
    '[fc00::1]',
    '[64:ff9b::7f00:1]',
    '224.0.0.1',
  ]
  for (const host of hosts) {
    await expect(run(shop, [`http://${host}:${server.port}/rows.csv`]), host).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'source_address_forbidden',
    })
  }
  await expect(
    run(shop, [`http://127.0.0.1:${server.port}/rows.csv`], { allow: ['10.0.0.0/8', 'evil.127.0.0.1', '127.0.0.1:1'] }),
  ).rejects.toMatchObject({ code: 'source_address_forbidden' })
  await expect(run(shop, ['file:///etc/passwd'])).rejects.toMatchObject({ code: 'source_address_forbidden' })
  expect(server.asked).toEqual([])
})

test('a redirect is not followed, an error is told without the secret in the URL', async () => {
  await using shop = await openDataWorkshop()
  await using server = await site((request, response) => {
    if (request.url!.startsWith('/moved')) response.writeHead(302, { location: 'http://169.254.169.254/' }).end()
    else response.writeHead(404).end('nothing')
  })
  const failure = (path: string): Promise<unknown> =>
    run(shop, [`http://127.0.0.1:${server.port}${path}`], { allow: ['127.0.0.1'] }).catch((error: unknown) => error)
  expect(await failure('/moved.csv')).toMatchObject({
    code: 'source_status',
    message: /redirects are not followed/v,
    detail: { status: 302 },
  })
  expect(await failure('/no.csv?token=secret')).toMatchObject({
    code: 'source_status',
    message: expect.not.stringContaining('secret'),
  })
})

test('a file that is too large, too slow or cut off is stopped', async () => {
  await using shop = await openDataWorkshop()
  await using server = await site((request, response) => {
    if (request.url === '/large.csv') response.end('a\n'.repeat(100_000))
    else if (request.url === '/cut.csv') {
      response.writeHead(200, { 'content-length': '1000' }).write('a,b\n1,2\n')
      setTimeout(() => response.destroy(), 50)
    } else response.write('a,b\n')
  })
  const base = `http://127.0.0.1:${server.port}`
  await expect(run(shop, [`${base}/large.csv`], { allow: ['127.0.0.1'], bytesMax: 1000 })).rejects.toMatchObject({
    kind: 'too_large',
    code: 'source_too_large',
  })
  await expect(run(shop, [`${base}/slow.csv`], { allow: ['127.0.0.1'], timeoutMs: 200 })).rejects.toMatchObject({
    code: 'source_unreachable',
    message: /within 200 ms/v,
  })
  await expect(run(shop, [`${base}/cut.csv`], { allow: ['127.0.0.1'] })).rejects.toMatchObject({
    code: 'source_unreachable',
  })
  await expect(run(shop, ['http://127.0.0.1:1/x.csv'], { allow: ['127.0.0.1'] })).rejects.toMatchObject({
    code: 'source_unreachable',
  })
})
