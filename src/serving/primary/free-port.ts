// The port that the gateway keeps: a free one is chosen once, so that workers which come later, and after all others died, share it.
import { createServer, type AddressInfo } from 'node:net'

/** @returns `port`, or a free one for 0. @throws Error EADDRINUSE and the like, before any worker is started */
export function choosePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port }, () => {
      const found = (server.address() as AddressInfo).port
      server.close(() => resolve(found))
    })
  })
}
