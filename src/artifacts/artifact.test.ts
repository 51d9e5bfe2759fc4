// What may be the path of an artifact, and what never is, however it is written.
import { expect, test } from 'vitest'
import { artifactMediaType, readArtifactPath, treePathOf, writableArtifactPath } from './artifact.ts'

const invalid = expect.objectContaining({ code: 'artifact_path_invalid' }) as Error

test.each([
  ['upwards', '../secret'],
  ['upwards in the middle', 'a/../../secret'],
  ['upwards, encoded once', '%2e%2e/secret'],
  ['upwards, encoded twice', '%252e%252e%252fsecret'],
  ['upwards, encoded ten times', `${'%25'.repeat(1)}${'25'.repeat(9)}2e./secret`],
  ['deeper than anybody encodes', `%${'25'.repeat(30)}2e`],
  ['a part of a URL', 'model#../../secret'],
  ['a part of a URL, encoded', 'model%23..'],
  ['a backslash', String.raw`..\secret`],
  ['a backslash, encoded', '..%5csecret'],
  ['an absolute path', '/etc/passwd'],
  ['an absolute path, encoded', '%2fetc/passwd'],
  ['another machine', '//host/share'],
  ['a drive', 'C:/windows'],
  ['a drive, encoded', 'c%3a/windows'],
  ['a file URI', 'file:///etc/passwd'],
  ['a file URI in capitals', 'FILE:/etc/passwd'],
  ['NUL', 'model\0.txt'],
  ['NUL, encoded', 'model%00.txt'],
  ['a line break', 'model%0aname'],
  ['the delete character', 'model\x7f'],
  ['half a character', 'model\ud800'],
  ['too long a path', 'a'.repeat(2_001)],
  ['too many bytes', 'é'.repeat(1_001)],
])('%s is no path', (_what, path) => {
  expect(() => readArtifactPath(path)).toThrow(invalid)
  expect(() => writableArtifactPath(path)).toThrow(invalid)
})

test('parameters and dots within names are only characters', () => {
  expect(readArtifactPath('model;v=1/..;/a..b/...')).toBe('model;v=1/..;/a..b/...')
  expect(readArtifactPath('50% of it')).toBe('50% of it')
  expect(readArtifactPath('r%C3%A9sum%C3%A9.txt')).toBe('résumé.txt')
})

test('what a reader writes loosely is one path, and a writer must name a file', () => {
  expect(readArtifactPath('a//b/./c/')).toBe('a/b/c')
  expect(readArtifactPath('')).toBe('')
  for (const path of ['', 'a/./b', 'a/', '.']) expect(() => writableArtifactPath(path)).toThrow(invalid)
  expect(writableArtifactPath('a//b%20c')).toBe('a/b c')
})

test('a URI of ours names a place in the tree, another names none', () => {
  expect(treePathOf('mlflow-artifacts:/7/run/artifacts')).toBe('7/run/artifacts')
  expect(treePathOf('mlflow-artifacts:/')).toBe('')
  for (const uri of ['mlflow-artifacts://host/7', 's3://bucket/7', 'file:///7', '/7', 'mlflow-artifacts:7'])
    expect(treePathOf(uri)).toBeUndefined()
  expect(() => treePathOf('mlflow-artifacts:/7/%2e%2e/8')).toThrow(invalid)
})

// As mlflow 3.17.2 guesses them.
test.each([
  ['a.json', 'text/plain'],
  ['a.JSON', 'application/json'],
  ['dir.png/MLmodel', 'text/plain'],
  ['.txt', 'application/octet-stream'],
  ['a.png', 'image/png'],
  ['a.html', 'text/html'],
  ['a.onnx', 'application/octet-stream'],
  ['constructor', 'application/octet-stream'],
  ['a.toString', 'application/octet-stream'],
])('%s is served as %s', (path, type) => {
  expect(artifactMediaType(path)).toBe(type)
})
