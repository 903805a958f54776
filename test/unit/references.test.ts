import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && ['.ts', '.md', '.yaml', '.json'].includes(extname(entry.name)))
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
}

const pagesAtTheTop = readdirSync(root).filter(name => name.endsWith('.md'))
const files = [...pagesAtTheTop, ...['config', 'docs', 'scripts', 'src', 'test'].flatMap(filesIn)]
const pages = files.filter(name => name.endsWith('.md'))
const read = (name: string) => readFileSync(join(root, name), 'utf8')

/** `file:line: what` of each match in all files that `find` says does not resolve. */
function unresolved(names: readonly string[], pattern: RegExp, resolves: (found: string, name: string) => boolean) {
  return names.flatMap(name =>
    read(name)
      .split('\n')
      .flatMap((line, index) =>
        [...line.matchAll(pattern)]
          .filter(([, found]) => !resolves(found!, name))
          .map(([whole]) => `${name}:${index + 1}: ${whole}`),
      ),
  )
}

test('every law that a comment or page cites stands in ARCHITECTURE.md', () => {
  const laws = read('ARCHITECTURE.md')
    .split(/^## /m)
    .find(text => text.startsWith('Laws\n'))!
  const numbers = new Set([...laws.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => number!))
  expect([...numbers]).toEqual(Array.from(numbers, (_, index) => String(index + 1)))
  expect(unresolved(files, /\blaws? (\d+)/gi, number => numbers.has(number))).toEqual([])
})

test('every section of the protocol that a comment or page cites stands in docs/protocol.md', () => {
  const sections = sectionsOf(read('docs/protocol.md'))
  expect(sections.size).toBeGreaterThan(0)
  expect(unresolved(files, /§ ?(\d+(?:\.\d+)*)/g, number => sections.has(number))).toEqual([])
})

/** Headings by their number; an item of a numbered list counts as a subsection of the section that it stands in. */
function sectionsOf(page: string): Set<string> {
  const sections = new Set<string>()
  let within = ''
  for (const line of page.split('\n')) {
    const heading = /^#+ (\d+(?:\.\d+)?)\.? /.exec(line)?.[1]
    const item = /^(\d+)\. /.exec(line)?.[1]
    if (heading !== undefined) within = heading
    if (heading !== undefined) sections.add(heading)
    else if (item !== undefined) sections.add(`${within}.${item}`)
  }
  return sections
}

test('every relative link of every page leads to a file or folder, and to a heading where it names one', () => {
  const leads = (link: string, page: string): boolean => {
    if (/^[a-z]+:/.test(link)) return true
    const [path, anchor] = link.split('#') as [string, string | undefined]
    const target = path === '' ? page : join(dirname(page), decodeURIComponent(path))
    if (!existsSync(join(root, target))) return false
    return anchor === undefined || !target.endsWith('.md') || anchorsOf(read(target)).has(anchor)
  }
  expect(unresolved(pages, /\]\(([^)\s]+)\)/g, leads)).toEqual([])
})

/** As GitHub makes them from headings. */
function anchorsOf(page: string): Set<string> {
  return new Set(
    [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('every source file that a page names in code type exists', () => {
  const exists = (name: string, page: string) =>
    files.some(file => file === join(dirname(page), name) || file === name || file.endsWith(`/${name}`))
  expect(unresolved(pages, /`([\w./-]+\.ts)`/g, exists)).toEqual([])
})

test('every folder of src with more than ten files has a README', () => {
  const perFolder = Map.groupBy(
    files.filter(name => name.startsWith('src/') && name.endsWith('.ts')),
    name => dirname(name),
  )
  const large = [...perFolder].filter(([, names]) => names.length > 10).map(([folder]) => folder)
  expect(large.filter(folder => !files.includes(join(folder, 'README.md')))).toEqual([])
})
