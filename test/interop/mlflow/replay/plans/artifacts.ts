// The artifact proxy and everything that reads files: uploads, listings, downloads, paths that try to get out.
import type { Plan } from '../call.ts'

const proxy = '/api/2.0/mlflow-artifacts'

export function planArtifacts(plan: Plan): void {
  const { add, post, get } = plan
  post('create experiment', 'experiments/create', { name: 'artifacts-base' }, { take: { exp: 'experiment_id' } })
  post(
    'create run',
    'runs/create',
    { experiment_id: '{{exp}}', run_name: 'r', start_time: 1 },
    { take: { run: 'run.info.run_id' } },
  )
  const root = `${proxy}/artifacts/{{exp}}/{{run}}/artifacts`
  const files: [string, string, string][] = [
    ['a.txt', 'text', 'text/plain'],
    ['model/MLmodel', 'flavors: {}', 'application/octet-stream'],
    ['model/data.bin', '\u0000\u0001', 'application/octet-stream'],
    ['deep/er/x.json', '{}', 'application/json'],
    ['page.html', '<b>', 'text/html'],
    ['pic.png', 'png', 'image/png'],
    ['pic.svg', '<svg/>', 'image/svg+xml'],
    ['empty', '', 'text/plain'],
    ['with space.txt', 's', 'text/plain'],
    ['ünï.txt', 'u', 'text/plain'],
    ['noext', 'n', 'x/y'],
    ['t.csv', 'a,b', 'text/csv'],
    ['t.yaml', 'a: b', 'text/yaml'],
    ['t.py', 'x', 'text/x-python'],
    ['t.gz', 'x', 'application/gzip'],
    ['t.pdf', 'x', 'application/pdf'],
    ['t.md', 'x', ''],
    ['t.js', 'x', ''],
    ['t.xml', 'x', ''],
  ]
  for (const [path, body, type] of files)
    add('PUT', `${root}/${encodeURI(path)}`, {
      label: `put ${path}`,
      body,
      headers: type === '' ? {} : { 'content-type': type },
    })
  add('PUT', `${root}/a.txt`, { label: 'put again', body: 'other', headers: { 'content-type': 'text/plain' } })
  for (const [path] of files) get(`get ${path}`, `${root}/${encodeURI(path)}`)
  get('get a missing file', `${root}/none.txt`)
  get('get a folder', `${root}/model`)
  add('HEAD', `${root}/a.txt`, { label: 'head' })
  for (const range of ['bytes=0-1', 'bytes=2-', 'bytes=-2', 'bytes=99-', 'junk'])
    get(`get a range ${range}`, `${root}/a.txt`, {}, { headers: { range } })
  for (const path of [
    '{{exp}}/{{run}}/artifacts',
    '{{exp}}/{{run}}/artifacts/model',
    '{{exp}}/{{run}}/artifacts/none',
    '{{exp}}/{{run}}/artifacts/a.txt',
    '..',
    '../..',
    '/etc',
    'a/../../b',
    '%2e%2e',
    'a\\b',
    'a#b',
  ])
    get(`list ${path}`, `${proxy}/artifacts`, { path })
  get('list run artifacts', 'artifacts/list', { run_id: '{{run}}' })
  for (const path of [
    'model',
    'deep',
    'deep/er',
    'none',
    'a.txt',
    '',
    '.',
    './model',
    'model/',
    '..',
    '/etc',
    '../{{run}}',
    'a/../model',
    '%2e%2e',
    '%252e%252e',
    'a#b',
    'a\\b',
    'C:\\x',
    'file:///etc',
  ])
    get(`list run artifacts at "${path}"`, 'artifacts/list', { run_id: '{{run}}', path })
  get('list artifacts by run_uuid', 'artifacts/list', { run_uuid: '{{run}}', path: 'model' })
  get('list artifacts of an unknown run', 'artifacts/list', { run_id: '1'.repeat(32) })
  get('list artifacts of no run', 'artifacts/list')
  for (const path of [
    '../x',
    '%2e%2e/x',
    '%252e%252e/x',
    '..%2fx',
    'a/..%5cx',
    '%2fetc/passwd',
    'C:/x',
    'a%23b',
    'a%00b',
    'a%0ab',
    './x',
    'a//b',
    'a/./b',
    'file:%2f%2fx',
  ]) {
    add('PUT', `${root}/${path}`, { label: `put at ${path}`, body: 'x' })
    get(`get at ${path}`, `${root}/${path}`)
    add('DELETE', `${root}/${path}`, { label: `delete at ${path}` })
  }
  add('DELETE', `${root}/a.txt`, { label: 'delete' })
  add('DELETE', `${root}/a.txt`, { label: 'delete again' })
  add('DELETE', `${root}/deep`, { label: 'delete a folder' })
  get('list after deleting', 'artifacts/list', { run_id: '{{run}}' })
  handWritten(plan)
  multipart(plan)
}

function handWritten({ add, get }: Plan): void {
  get('get-artifact', '/get-artifact', { run_id: '{{run}}', path: 'model/MLmodel' })
  get('get-artifact of html', '/get-artifact', { run_id: '{{run}}', path: 'page.html' })
  get('get-artifact by run_uuid', '/get-artifact', { run_uuid: '{{run}}', path: 'model/MLmodel' })
  get('get-artifact, no path', '/get-artifact', { run_id: '{{run}}' })
  get('get-artifact, no run', '/get-artifact', { path: 'x' })
  get('get-artifact, missing', '/get-artifact', { run_id: '{{run}}', path: 'none' })
  for (const path of ['../x', '/etc/passwd', '%2e%2e/x', 'a#b', 'a\\b', 'model'])
    get(`get-artifact at ${path}`, '/get-artifact', { run_id: '{{run}}', path })
  get('get-artifact of a version', '/model-versions/get-artifact', { name: 'nowhere', version: '1', path: 'x' })
  const upload = '/ajax-api/2.0/mlflow/upload-artifact'
  add('POST', `${upload}?run_uuid={{run}}&path=up/loaded.txt`, {
    label: 'upload',
    body: 'hello',
    headers: { 'content-type': 'text/plain' },
  })
  add('POST', `${upload}?run_uuid={{run}}&path=up/empty.txt`, {
    label: 'upload nothing',
    body: '',
    headers: { 'content-type': 'text/plain' },
  })
  add('POST', `${upload}?run_uuid={{run}}`, { label: 'upload without a path', body: 'x' })
  add('POST', `${upload}?path=x`, { label: 'upload without a run', body: 'x' })
  add('POST', `${upload}?run_uuid={{run}}&path=../x`, { label: 'upload out of the root', body: 'x' })
  add('POST', `${upload}?run_uuid={{run}}&path=big`, { label: 'upload 11 MB', body: 'x'.repeat(11 * 1024 * 1024) })
  get('get uploaded', '/get-artifact', { run_id: '{{run}}', path: 'up/loaded.txt' })
}

function multipart({ post, get }: Plan): void {
  const at = '{{exp}}/{{run}}/artifacts'
  post('multipart create', `${proxy}/mpu/create/${at}/big.bin`, { path: `${at}/big.bin`, num_parts: 2 })
  post('multipart create, no path', `${proxy}/mpu/create/${at}/big.bin`, {})
  post('multipart complete, unknown', `${proxy}/mpu/complete/${at}/big.bin`, {
    path: `${at}/big.bin`,
    upload_id: 'none',
    parts: [],
  })
  post('multipart abort, unknown', `${proxy}/mpu/abort/${at}/big.bin`, { path: `${at}/big.bin`, upload_id: 'none' })
  get('presigned', `${proxy}/presigned/${at}/page.html`)
  post('presigned upload', 'artifacts/presigned-upload-url', { run_id: '{{run}}', path: 'x' })
  get('presigned download', 'artifacts/presigned-download-url', { run_id: '{{run}}', path: 'page.html' })
}
