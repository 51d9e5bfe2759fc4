// An answer on a connection that is not Node's, written in one piece.
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { keepAliveTimeoutMs } from '../../contract/gateway-limits.ts'
import type { Reply } from './http-answer.ts'

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
  const bytes = reply.isAscii ? body.length : Buffer.byteLength(body)
  const head = `${openingOf(status, contentType)}${bytes}\r\n${linesOf(reply.headers)}${closingOf(nowMs, isLast)}`
  // As many bytes as characters: ASCII.
  if (bytes === body.length && typeof body === 'string') return socket.write(head + body, 'latin1')
  if (bytes <= copiedBytesMax) return socket.write(inOnePiece(head, body, bytes))
  socket.cork()
  socket.write(head, 'latin1')
  const isTaken = socket.write(body)
  socket.uncork()
  return isTaken
}

/** Small enough that two writes would take longer than a copy. */
const copiedBytesMax = 16 * 1024

function inOnePiece(head: string, body: string | Uint8Array, bytes: number): Buffer {
  const whole = Buffer.allocUnsafe(head.length + bytes)
  whole.write(head, 'latin1')
  if (typeof body === 'string') whole.write(body, head.length)
  else whole.set(body, head.length)
  return whole
}

/** Of the answer before: most answers begin alike. */
let opening = { status: 0, contentType: '', text: '' }

/** Up to the length of the body. */
function openingOf(status: number, contentType: string): string {
  if (opening.status !== status || opening.contentType !== contentType) {
    const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nx-content-type-options: nosniff\r\ncontent-type: ${contentType}\r\ncontent-length: `
    opening = { status, contentType, text }
  }
  return opening.text
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

let closingSecond = 0
/** What ends a head, when the connection goes on and when it does not. */
const closings = { kept: '', last: '' }

/** Made once a second. */
function closingOf(nowMs: number, isLast: boolean): string {
  const second = Math.floor(nowMs / 1000)
  if (second !== closingSecond) {
    const date = `date: ${new Date(second * 1000).toUTCString()}\r\n`
    closings.kept = `${date}connection: keep-alive\r\nkeep-alive: timeout=${keepAliveTimeoutMs / 1000}\r\n\r\n`
    closings.last = `${date}connection: close\r\n\r\n`
    closingSecond = second
  }
  return isLast ? closings.last : closings.kept
}
