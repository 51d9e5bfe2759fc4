// What a method of MLflow's API is: a permission, and a function from its request to its answer.
import type { FastifyRequest } from 'fastify'
import type { Caller, Permission } from '../../governance/access.ts'
import type { Actor } from '../../governance/audit.ts'
import type { MethodName, Requests, Responses } from '../generated/messages.ts'
import type { JsonStream } from './json.ts'

export interface Call<Name extends MethodName> {
  /** Checked and normalised by the codec: what is required is there, and each field has its type. Absent is undefined. */
  readonly request: Requests[Name]
  readonly actor: Actor
  readonly caller: Caller
  readonly http: FastifyRequest
  /** Names of the fields that the request set, also those that it set to something empty. */
  readonly sent: ReadonlySet<string>
}

export interface Method<Deps, Name extends MethodName> {
  readonly permission: Permission
  readonly handle: (deps: Deps, call: Call<Name>) => Promise<Responses[Name] | JsonStream>
}

/** Some of the methods, by name. */
export type Methods<Deps> = { readonly [Name in MethodName]?: Method<Deps, Name> }
