/**
 * A release as one number, by the vendor's own arithmetic (protocol, source keys): `3.20.114` → 320114, `4.10` → 410000.
 * Undefined for what does not begin like a release: nothing is then concluded from it.
 */
export function releaseNumber(release: string | undefined): number | undefined {
  const found = /^\s*(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?!\d)/.exec(release ?? '')
  if (found === null) return undefined
  const [, major, minor, build = '0'] = found
  return Number(major) * 100_000 + Number(minor) * 1_000 + Number(build)
}

/** From here on a bare name in a data-log query is an instance name, and `xifName` is the key of XIF names (protocol §2.1). */
const bareNamesAreInstanceNames = 320_114
/** From here on `/iap/cms/info/time` and `cpuUtilization` are there (protocol §1, §4.1). */
const tellsTime = 410_000

/** How a data-log query names an XIF name; undefined where the release is not known, because each form misleads the other. */
export function xifForm(release: string | undefined): 'explicit' | 'bare' | undefined {
  const number = releaseNumber(release)
  if (number === undefined) return undefined
  return number >= bareNamesAreInstanceNames ? 'explicit' : 'bare'
}

/** True if the gateway can be asked for its time. An unknown release is not: a 404 would come each time. */
export function answersTime(release: string | undefined): boolean {
  return (releaseNumber(release) ?? 0) >= tellsTime
}
