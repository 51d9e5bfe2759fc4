// The content type of a request by MLflow's rule: a type, and no parameter but the charset UTF-8.
import { DomainError } from '../../../platform/errors.ts'

export const mediaTypeUnsupported = (message: string): DomainError =>
  new DomainError('invalid', 'media_type_unsupported', message)

/**
 * In lower case, without its parameters; undefined: there is none.
 * @throws DomainError media_type_unsupported: a parameter, or a charset that is not read
 */
export function mediaTypeOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined || contentType === 'application/json') return contentType
  const [type = '', ...parameters] = contentType.toLowerCase().split(';')
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=')
    if (name?.trim() !== 'charset') {
      const shown = parameter.trim().slice(0, 100)
      throw mediaTypeUnsupported(
        `Unrecognized content type parameters: ${shown}: send the type alone, or with charset=utf-8`,
      )
    }
    if (!/^"?utf-8"?$/v.test(value.trim())) throw mediaTypeUnsupported('The scoring server only supports UTF-8')
  }
  return type.trim()
}
