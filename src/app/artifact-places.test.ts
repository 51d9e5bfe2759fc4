// Which addresses are this server's own, so that artifacts below them are those of the tree.
import { expect, test } from 'vitest'
import { artifactPlaces } from './artifact-places.ts'
import { loadConfig } from './config.ts'
import { loadMlflowConfig } from './mlflow-config.ts'

test('a server knows itself by its port on loopback and by the names that the operator gave it, and by no pattern', () => {
  const { isOwnHost } = artifactPlaces(
    loadConfig({
      TRUELOOP_PORT: '5000',
      TRUELOOP_ALLOWED_HOSTS: 'models.example',
      MLFLOW_SERVER_ALLOWED_HOSTS: 'mlflow.example:5000,192.168.*',
      MLFLOW_DEFAULT_ARTIFACT_ROOT: 'https://proxy.example/api/2.0/mlflow-artifacts/artifacts',
    }),
  )
  for (const host of ['127.0.0.1:5000', 'localhost:5000', 'models.example', 'mlflow.example:5000', 'proxy.example'])
    expect([host, isOwnHost(host)]).toEqual([host, true])
  for (const host of ['127.0.0.1:5001', 'mlflow.example', '192.168.1.7', '192.168.*.example', 'evil.example'])
    expect([host, isOwnHost(host)]).toEqual([host, false])
})

test('a folder that new experiments write to is below the folder of the server, however it is named', () => {
  const rootOf = (location: string) => loadMlflowConfig({ MLFLOW_DEFAULT_ARTIFACT_ROOT: location }).defaultArtifactRoot
  const here = process.cwd()
  expect(['below/too', 'file:below/too', 'file:a%20b', 'file:///srv/x', 's3://b/x', ''].map(rootOf)).toEqual([
    `${here}/below/too`,
    `file://${here}/below/too`,
    `file://${here}/a%20b`,
    'file:///srv/x',
    's3://b/x',
    'mlflow-artifacts:/',
  ])
  expect(() => rootOf('file://other/x')).toThrow(/MLFLOW_DEFAULT_ARTIFACT_ROOT file:\/\/other\/x: /v)
})
