// The port that the gateway keeps: a free one is chosen once, so that workers which come later, and after all others died, share it.
import { createServer, type AddressInfo } from 'node:net'

/** Of HTTP and of gRPC; null stays null. @throws Error EADDRINUSE and the like, before any worker is started */
export async function choosePorts({
  host,
  port,
  grpcPort,
}: {
  readonly host: string
  readonly port: number
  readonly grpcPort: number | null
}): Promise<{ port: number; grpcPort: number | null }> {
  // What was named first, so that what is only free does not take it.
  const named = grpcPort ? await choosePort(host, grpcPort) : grpcPort
  let chosen = await choosePort(host, port)
  while (port === 0 && chosen === named) chosen = await choosePort(host, port)
  if (named !== 0) return { port: chosen, grpcPort: named }
  let free = await choosePort(host, 0)
  while (free === chosen) free = await choosePort(host, 0)
  return { port: chosen, grpcPort: free }
}

/** @returns `port`, or a free one for 0. @throws Error EADDRINUSE and the like, before any worker is started */
function choosePort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port }, () => {
      const found = (server.address() as AddressInfo).port
      server.close(() => resolve(found))
    })
  })
}
