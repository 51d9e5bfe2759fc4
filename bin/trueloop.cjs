#!/usr/bin/env node
// The command `trueloop`. Plain JavaScript that an old Node can parse, so that it can say which Node is needed.
'use strict'
var path = require('path')
var fs = require('fs')
var parts = process.versions.node.split('.').map(Number)
/** As a shell wants it. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'"
}
/** `trueloop server` is the control plane itself, and V8 reads its flags once: as soon as it is known, or all is loaded twice. */
function beginAsControlPlane() {
  var start = require('./control-plane.json')
  var isBegun = start.flags.every(function (flag) {
    return process.execArgv.indexOf(flag) >= 0
  })
  if (process.argv[2] !== 'server' || isBegun || !process.execve) return
  var args = [process.execPath].concat(process.execArgv, start.flags, process.argv.slice(1))
  process.execve(process.execPath, args, Object.assign({}, process.env, start.environment))
}
var isMusl = process.platform === 'linux' && process.report && !process.report.getReport().header.glibcVersionRuntime
if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  process.stdout.write(require('../package.json').version + '\n')
} else if (parts[0] < 24 || (parts[0] === 24 && parts[1] < 12)) {
  var inHere = path.relative(process.cwd(), __filename)
  var program = inHere.slice(0, 2) === '..' ? __filename : inHere
  process.stderr.write(
    'trueloop needs Node 24.12 or newer; this is Node ' +
      process.versions.node +
      '.\n' +
      'Run it with a newer one, which npm fetches for you:\n\n' +
      '    npx -y node@24 ' +
      [program].concat(process.argv.slice(2)).map(quoted).join(' ') +
      '\n',
  )
  process.exitCode = 1
} else if (process.platform === 'win32') {
  process.stderr.write('trueloop runs on Linux and macOS; on Windows, run it in WSL (https://aka.ms/wsl).\n')
  process.exitCode = 1
} else if (isMusl) {
  process.stderr.write(
    'trueloop needs a Linux with glibc (Debian, Ubuntu, Fedora, …); this one has musl. In a container, use the image node:24-slim.\n',
  )
  process.exitCode = 1
} else {
  beginAsControlPlane()
  // Compiled code is kept in the user's own cache: half of a short command's time is compiling. Not in the shared temporary folder, where others
  // could lay something in its place.
  var caches = process.env.XDG_CACHE_HOME || path.join(require('os').homedir(), '.cache')
  if (!process.env.NODE_COMPILE_CACHE) require('module').enableCompileCache(path.join(caches, 'trueloop', 'code'))
  var built = path.join(__dirname, '..', 'build', 'dist', 'cli', 'main.js')
  var entry =
    fs.existsSync(built) && !fs.existsSync(path.join(__dirname, '..', 'src'))
      ? built
      : path.join(__dirname, '..', 'src', 'cli', 'main.ts')
  import(require('url').pathToFileURL(entry).href).catch(function (error) {
    process.stderr.write(String((error && error.stack) || error) + '\n')
    process.exitCode = 1
  })
}
