// Starts a real PostgreSQL and a real S3 server for the tests of whole homes on them; both are gone with the run.
import { startPostgres } from '../postgres.ts'
import { credentials, startS3 } from './s3-server.ts'

export default async function setup(): Promise<() => Promise<void>> {
  const started = new AsyncDisposableStack()
  const postgres = started.use(await startPostgres())
  const s3 = started.use(await startS3())
  process.env['TRUELOOP_TEST_DATABASE'] = postgres.url
  process.env['TRUELOOP_TEST_BLOBS'] = await s3.createBucket('homes')
  // Every process of a home inherits these.
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  return () => started.disposeAsync()
}
