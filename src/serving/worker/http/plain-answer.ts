// An answer on a connection that is not Node's, written in one piece.
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { keepAliveTimeoutMs } from '../../contract/gateway-limits.ts'
import type { Reply } from './http-answer.ts'

const kept = `connection: keep-alive\r\nkeep-alive: timeout=${keepAliveTimeoutMs / 1000}\r\n`
const last = 'connection: close\r\n'

interface Sending {
  /** The connection ends with it. */
  readonly isLast: boolean
  readonly nowMs: number
}

/**
 * @returns false: the other end asks faster than it reads, and a `drain` will come
 * @throws TypeError before anything is written, for a header that is not one line of ASCII
 */
export function sendPlain(socket: Socket, reply: Reply, { isLast, nowMs }: Sending): boolean {
  const { status, body, contentType = 'application/json' } = reply
  const bytes = Buffer.byteLength(body)
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${contentType}\r\ncontent-length: ${bytes}\r\n` +
    `x-content-type-options: nosniff\r\n${linesOf(reply.headers)}${dateLine(nowMs)}${isLast ? last : kept}\r\n`
  let isTaken: boolean
  // As many bytes as characters: ASCII, which goes in one piece with the head.
  if (bytes === body.length && typeof body === 'string') isTaken = socket.write(head + body, 'latin1')
  else {
    socket.cork()
    socket.write(head, 'latin1')
    isTaken = socket.write(body)
    socket.uncork()
  }
  return isTaken
}

/** A header's value is one line. */
const unsafe = /[^\t\x20-\x7E]/v

function linesOf(headers: readonly string[] = []): string {
  let lines = ''
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const value = headers[at + 1]!
    if (unsafe.test(value)) throw new TypeError(`the header ${headers[at]} of an answer is not one line of ASCII`)
    lines += `${headers[at]}: ${value}\r\n`
  }
  return lines
}

let dateSecond = 0
let dateText = ''

/** Made once a second. */
function dateLine(nowMs: number): string {
  const second = Math.floor(nowMs / 1000)
  if (second !== dateSecond) dateText = `date: ${new Date(second * 1000).toUTCString()}\r\n`
  dateSecond = second
  return dateText
}
