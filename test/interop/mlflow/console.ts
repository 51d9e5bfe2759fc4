// MLflow's own console, from the installed wheel, before a server of its API: one origin for both, and a browser that notes what goes wrong.
import { createReadStream, existsSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { chromium, type BrowserContext, type Page } from 'playwright-core'

export interface ConsoleServer extends AsyncDisposable {
  readonly url: string
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

/** Files of the folder at `/` and below `/static-files/`, as stock has them; every other path goes to the API at `target`. */
export async function serveConsole(folder: string, target: string): Promise<ConsoleServer> {
  const server = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url!, 'http://console')
    const path = pathname === '/' ? 'index.html' : /^\/static-files\/(?<path>.*)$/v.exec(pathname)?.groups?.['path']
    if (path === undefined) forward({ incoming, outgoing }, target)
    else sendFile(outgoing, join(folder, normalize(`/${path}`)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function sendFile(outgoing: ServerResponse, file: string): void {
  if (!existsSync(file)) {
    outgoing.writeHead(404).end()
    return
  }
  outgoing.writeHead(200, { 'content-type': mediaTypes[extname(file)] ?? 'application/octet-stream' })
  createReadStream(file).pipe(outgoing)
}

/** The host and origin that the API sees are its own, as if it served the console itself. */
function forward(
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
  target: string,
): void {
  const { hostname, port, host, origin } = new URL(target)
  const headers = { ...incoming.headers, host, ...(incoming.headers.origin === undefined ? {} : { origin }) }
  const options = { hostname, port, method: incoming.method!, path: incoming.url!, headers }
  const inner = request(options, (answer) => {
    outgoing.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(outgoing)
  })
  inner.once('error', (error) =>
    outgoing.headersSent ? outgoing.destroy(error) : outgoing.writeHead(502).end(String(error)),
  )
  incoming.pipe(inner)
}

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext
}

/** @param executablePath A Chromium that is installed */
export async function openBrowser(executablePath: string): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'trueloop-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: flags,
    viewport: { width: 1500, height: 950 },
  })
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export interface Visit {
  /** What the browser's console said as errors, and requests that failed, without ids and addresses. */
  readonly problems: readonly string[]
  readonly text: string
}

const pollMs = 100
const quietMs = 1_500
const visitLimitMs = 45_000

/** Opens a page of the console, waits until it shows what it should and asks for nothing more, and keeps a picture of it. */
export async function visit(
  context: BrowserContext,
  url: string,
  { shows, picture }: { readonly shows: readonly string[]; readonly picture: string },
): Promise<Visit> {
  const page = await context.newPage()
  const problems = new Set<string>()
  const note = (text: string): void => void problems.add(withoutIds(text, url))
  page.on('console', (message) => {
    // How fast a page is laid out is no difference of servers.
    if (message.type() === 'error' && !message.text().includes('ResizeObserver')) note(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => note(`thrown: ${error.message}`))
  page.on('response', (answer) => {
    const { pathname } = new URL(answer.url())
    if (answer.status() >= 400) note(`${answer.status()} ${answer.request().method()} ${pathname}`)
  })
  const quiet = untilQuiet(page, shows)
  await page.goto(url)
  await quiet
  const text = await page.locator('body').innerText()
  await page.screenshot({ path: picture })
  await page.close()
  return { problems: [...problems].toSorted(), text }
}

/** Some requests of the console stay open: what counts is that nothing more is asked for or answered. */
async function untilQuiet(page: Page, shows: readonly string[]): Promise<void> {
  let changedMs = performance.now()
  const change = (): void => void (changedMs = performance.now())
  for (const event of ['request', 'response', 'requestfinished'] as const) page.on(event as 'request', change)
  const limit = changedMs + visitLimitMs
  while (performance.now() < limit) {
    await wait(pollMs)
    if (performance.now() - changedMs < quietMs) continue
    const text = await page.locator('body').innerText()
    if (shows.every((one) => text.includes(one))) return
  }
}

const withoutIds = (text: string, url: string): string =>
  text
    .replaceAll(new URL(url).origin, '')
    .replaceAll(/\b(?:m-|tr-)?[0-9a-f]{32}\b/gv, '<id>')
    .replaceAll(/\d{4,}/gv, '<number>')
