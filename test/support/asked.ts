import type { Asked } from '../../src/smartserver/rest-json.ts'

/** A gateway as far as REST goes: answers by path and query, JSON or a bare status. `calls` keeps what was asked. */
export function askedGateway(answer: (path: string, query: URLSearchParams) => unknown): Asked & { calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    async call({ method, path }) {
      calls.push(`${method} ${path}`)
      const [bare = '', query = ''] = path.split('?')
      const json = answer(bare, new URLSearchParams(query))
      if (typeof json === 'number') return { status: json, headers: {}, body: '' }
      return { status: 200, headers: {}, body: JSON.stringify(json) }
    },
  }
}
