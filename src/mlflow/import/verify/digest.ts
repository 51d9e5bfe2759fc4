// What two sides have to agree in: how many rows, and which.
import { hash } from 'node:crypto'

const sumBytes = 32

/** Of a set of texts, whatever their order: how many they are, and each one's sha256, all of them joined by exclusive or. */
export class SetDigest {
  count = 0
  readonly #sum = Buffer.alloc(sumBytes)

  add(text: string): void {
    this.count += 1
    this.#join(hash('sha256', text, 'buffer'))
  }

  /** Takes in another's, which has none of these texts. */
  merge(other: SetDigest): void {
    this.count += other.count
    this.#join(other.#sum)
  }

  #join(bytes: Uint8Array): void {
    for (let index = 0; index < sumBytes; index++) this.#sum[index]! ^= bytes[index]!
  }

  /** Hexadecimal. */
  get digest(): string {
    return this.#sum.toString('hex')
  }

  equals(other: SetDigest): boolean {
    return this.count === other.count && this.#sum.equals(other.#sum)
  }
}
