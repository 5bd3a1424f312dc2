// The prose of docs/configuration.md; the tables between come from the options themselves.
#pragma once

namespace nexusd {

inline constexpr char kReferenceHead[] = R"(# Configuration reference

This page is printed by `nexusd --describe-config` from the tables that check a configuration;
`make docs` writes it anew. `nexusd --describe NAME` shows one section or component on the spot, and
`nexusd -c FILE --check` names every mistake in a file without starting anything.

## The file

The same keys are written as JSON or as INI. An ending `.json`, `.ini`, `.conf` or `.cfg` says which;
any other file is JSON if its first character is `{`. These two are equal:

```json
{
  "transports": {
    "ws": {"type": "websocket", "listen": "127.0.0.1:8080"}
  },
  "realms": {
    "main": {
      "uri": "realm1",
      "authenticators": {"guests": {"type": "anonymous"}}
    }
  }
}
```

```ini
[transports.ws]
type = websocket
listen = 127.0.0.1:8080

[realms.main]
uri = realm1

[realms.main.authenticators.guests]
type = anonymous
```

- `ws`, `main` and `guests` are labels: any name you like, for log lines and messages. In an INI file
  they have no dots, because dots nest. Where there are several authenticators or authorizers, they
  are asked in the order of the file.
- A key with a dot in its name (`tls.certificate`) is nested in JSON, `"tls": {"certificate": …}`, and
  written with its dot in INI, or in a section of its own.
- INI: one `key = value` on a line, no quotes, no comment behind a value; a comment is a line of its
  own that begins with `;` or `#`. Upper and lower case count, and a key or `[section]` may stand there
  only once. What has ` ;` or ` #` in it, or begins and ends with a quote, is written in JSON.
- Types. *duration*: `500ms`, `5s`, `2m`, `1h`; a bare number is milliseconds. *size*: `4096`, `64K`,
  `16M`, `1G`. *bool*: `true` or `false`, in INI also `yes`, `no`, `on`, `off`, `1`, `0`. *list*: a JSON
  list, in INI `a, b`. *dict*: a JSON object, in INI its JSON text. *path*: relative ones start at the
  folder of the configuration file. *secret*: text that is never printed or logged.
- A `nexus.json` of the Go router gammazero/nexus is recognised and runs as it is; what means nothing
  here is named in the log and ignored.
- Options of the command line go over the file; see the [operator's guide](operator-guide.md).

## Sections of the router and the daemon
)";

inline constexpr char kReferenceComponents[] = R"(
## Components

A section `transports.<label>`, `realms.<label>.authenticators.<label>` or
`realms.<label>.authorizers.<label>` names its component with the key `type`, which every such section
has; the other keys are the component's own. Serializers need no section: every one that is loaded is
offered, with what `serializers.<label>` says about it, if there is one. Plugins of other vendors bring tables like these: `nexusd --describe NAME`.
)";

}  // namespace nexusd
