// Names for what nobody named: `amber-heron-417`.
import { randomInt } from 'node:crypto'

const adjectives =
  'able agile airy alert amber ample arctic azure balmy bold brave breezy bright brisk calm candid clear clever cosmic crisp curious deft dewy eager early earnest exact fabled fair fast fleet fluent fond frank free fresh gentle glad golden grand hardy hazel honest humble ivory jolly keen kind lilac lively loyal lucid lunar mellow merry mild misty modest neat nimble noble novel open patient placid plain polar proud quick quiet rapid ready royal ruby rustic sage serene silent silver sleek snowy solar solid spry steady stellar sturdy subtle sunny swift tidal tidy true vivid warm wise witty young zesty'.split(
    ' ',
  )
const nouns =
  'acorn alder aspen badger basin beacon birch bison brook canyon cedar cliff clover comet condor coral cove crane creek delta dune eagle ember falcon fern finch fjord forest fox garnet geyser glacier grove gull harbor hare hawk hazel heron hill ibis inlet iris island jay juniper kelp kestrel koala lagoon lake larch lark lemur lichen lily lotus lynx maple marsh martin meadow moose moss moth newt oak opal orca orchid osprey otter owl panda pebble petrel pine plover pond poplar quail quartz raven reef ridge river robin rowan sable seal shore sparrow spruce stork stream swan tern thistle tiger topaz trout tundra valley violet walrus willow wren'.split(
    ' ',
  )
const numbers = 1000

const oneOf = (words: readonly string[]): string => words[randomInt(words.length)]!

/** Not unique: a name is for reading, and ids tell things apart. */
export const randomName = (): string => `${oneOf(adjectives)}-${oneOf(nouns)}-${randomInt(numbers)}`
