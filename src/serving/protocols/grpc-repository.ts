// What a load or an unload of Triton's model repository asks for over gRPC. Pure.
import { WireType } from '@bufbuild/protobuf/wire'
import { nestedEnd, readFields, reading, readText } from './grpc-wire.ts'

export interface RepositoryRequest {
  readonly model: string
  /** Names of its parameters. */
  readonly parameters: readonly string[]
}

/** RepositoryModelLoadRequest and RepositoryModelUnloadRequest are the same. @throws DomainError request_invalid */
export function readRepositoryRequest(bytes: Uint8Array): RepositoryRequest {
  return reading('RepositoryModelLoadRequest', bytes, (reader) => {
    let model = ''
    const parameters: string[] = []
    readFields(reader, reader.len, (field, wireType) => {
      if (wireType !== WireType.LengthDelimited) return false
      if (field === 2) model = readText(reader)
      else if (field === 3) {
        readFields(reader, nestedEnd(reader, reader.len), (key, keyType) => {
          if (key !== 1 || keyType !== WireType.LengthDelimited) return false
          parameters.push(readText(reader))
          return true
        })
      } else return false
      return true
    })
    return { model, parameters }
  })
}
