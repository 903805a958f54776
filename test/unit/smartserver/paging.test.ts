import { describe, expect, test } from 'vitest'
import { readList } from '../../../src/smartserver/paging.ts'
import { askedGateway } from '../../support/asked.ts'

const { signal } = new AbortController()
const items = Array.from({ length: 250 }, (_, i) => ({ id: i }))

function page(query: URLSearchParams): object[] {
  const size = Number(query.get('sz'))
  const start = (Number(query.get('pg')) - 1) * size
  return items.slice(start, start + size)
}

const snapshotOf = (number: number, query: URLSearchParams) => {
  const resources = page(query)
  const remainingPages = Math.ceil(items.length / Number(query.get('sz'))) - Number(query.get('pg'))
  return { snapshot: number, resources, remainingPages }
}

describe('a list in pages', () => {
  test('with snapshots is read to its last page, each page of the same snapshot', async () => {
    const gateway = askedGateway((_, query) => snapshotOf(41, query))
    expect(await readList(gateway, '/iap/devs?short=true', signal)).toEqual(items)
    expect(gateway.calls).toEqual([
      'GET /iap/devs?short=true&pg=1&sz=100',
      'GET /iap/devs?short=true&pg=2&sz=100&xs=41',
      'GET /iap/devs?short=true&pg=3&sz=100&xs=41',
    ])
  })

  test('that changes while it is read is read again from the start', async () => {
    let number = 41
    const gateway = askedGateway((_, query) => {
      if (query.get('pg') === '2' && number < 43) number++
      return snapshotOf(number, query)
    })
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(items)
    expect(gateway.calls.filter(call => call.includes('pg=1'))).toHaveLength(3)
  })

  test('that never keeps still is asked for as a whole: plain pages would lose items', async () => {
    let number = 0
    const gateway = askedGateway((_, query) => (query.has('pg') ? snapshotOf(number++, query) : items))
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(items)
    expect(gateway.calls.some(call => call.includes('noxs'))).toBe(false)
  })

  test('without snapshots is read up to the first empty page', async () => {
    const gateway = askedGateway((_, query) => (query.has('noxs') ? page(query) : 404))
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(items)
    expect(gateway.calls.at(-1)).toBe('GET /iap/devs?noxs=true&pg=4&sz=100')
  })

  test('whose gateway ignores paging comes whole, once', async () => {
    for (const length of [250, 100, 7, 0]) {
      const gateway = askedGateway(() => items.slice(0, length))
      expect(await readList(gateway, '/iap/devs', signal)).toEqual(items.slice(0, length))
    }
  })

  test('whose gateway ignores paging comes whole, once, also while its values and their order change', async () => {
    let value = 0
    const few = items.slice(0, 20)
    const gateway = askedGateway(() => {
      const shown = few.map(item => ({ ...item, value: value++, utc: `2026-01-01T00:00:0${value % 10}Z` }))
      return value % 40 === 0 ? shown.reverse() : shown
    })
    const read = await readList(gateway, '/iap/devs', signal)
    expect(read.map(item => (item as { id: number }).id)).toEqual(few.map(({ id }) => id))
    expect(gateway.calls).toHaveLength(2)
  })

  test('is read on after a short page: items may be left out of the midst', async () => {
    const pages = [items.slice(0, 100), items.slice(100, 130), items.slice(200, 250), []]
    const gateway = askedGateway((_, query) => (query.has('noxs') ? pages[Number(query.get('pg')) - 1] : 404))
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(pages.flat())
  })

  test('keeps items of one id apart that other names tell apart', async () => {
    const rows = items.map(({ id }) => ({ id: 7, fullDpName: `Block/0/nvo${id}` }))
    const gateway = askedGateway((_, query) =>
      query.has('noxs') ? rows.slice(100 * (Number(query.get('pg')) - 1), 100 * Number(query.get('pg'))) : 404,
    )
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(rows)
  })

  test.each([400, 404, 405, 501])('that no paging brings (%i) is asked for as a whole', async status => {
    const gateway = askedGateway((_, query) => (query.has('pg') ? status : items))
    expect(await readList(gateway, '/iap/devs', signal)).toEqual(items)
  })

  test.each([403, 500, 503])('is not asked for in heavier ways where the answer is %i', async status => {
    const gateway = askedGateway(() => status)
    await expect(readList(gateway, '/iap/devs', signal)).rejects.toMatchObject({
      code: status === 403 ? 'rest-refused' : 'rest-busy',
    })
    expect(gateway.calls).toHaveLength(1)
  })

  test('that is no list is a failure with the path and without a stack of tries', async () => {
    const failing = readList(
      askedGateway(() => ({ message: 'x' })),
      '/iap/devs',
      signal,
    )
    await expect(failing).rejects.toMatchObject({ code: 'rest-odd-list', reach: 'gateway' })
    await expect(
      readList(
        askedGateway(() => 404),
        '/iap/devs',
        signal,
      ),
    ).rejects.toMatchObject({ code: 'rest-unsupported' })
  })
})
