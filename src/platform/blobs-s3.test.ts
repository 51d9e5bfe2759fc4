// The address of a bucket; the store itself is tested against a server in test/interop.
import { expect, test } from 'vitest'
import { parseS3Url } from './blobs-s3.ts'

test('an address names bucket, prefix, region and endpoint', () => {
  expect(parseS3Url('s3://models/team/a/?region=eu-west-1&endpoint=http://127.0.0.1:5000')).toEqual({
    bucket: 'models',
    prefix: 'team/a',
    region: 'eu-west-1',
    endpoint: 'http://127.0.0.1:5000',
  })
  expect(parseS3Url('s3://models')).toEqual({ bucket: 'models', prefix: '', region: 'us-east-1', endpoint: undefined })
})

test.each([
  'models',
  'http://models',
  's3://',
  's3://key:secret@models',
  's3://models?regoin=x',
  's3://m?endpoint=ftp://x',
])('%s is refused with the reason', (url) => {
  expect(() => parseS3Url(url)).toThrow(expect.objectContaining({ code: 'blob_store_url' }))
})
