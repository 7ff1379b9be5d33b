"""Words for generated objects: right ones, wrong ones, and those at the edge, by the field that takes them."""

from typing import Any

HOSTS = [
    *("reviews", "reviews.default.svc.cluster.local", "www.example.com", "*.example.com", "*", "example.com."),
    *("", "a_b.example.com", "-a.example.com", "*a.example.com", "*-a.example.com", "a.*.com", "10.0.0.1", "a.1"),
    *("*.*.com", "a..b", "WWW.Example.COM", "a" * 64 + ".com", "fd00::1", "outbound_.80_._.a.b", "outbound_._._.a.b"),
]
NAMESPACED_HOSTS = [
    *(f"{namespace}{host}" for namespace in ("", "./", "*/", "~/", "default/", "a.b/", "/") for host in HOSTS[:7]),
    *("~default/www.example.com", "a/b/c.d", "default/*a.example.com", "*/*", "./10.0.0.1", "default/a_b.c"),
]
ADDRESSES = [
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/33",
    "fd00::1",
    "fd00::/8",
    "a.b",
    "",
    "10.0.0",
    "10.0.0.0/08",
    "::1%eth0",
]
ENDPOINTS = [*ADDRESSES, "www.example.com", "*.example.com", "unix:///var/run/a", "unix://@a", "unix://a", "unix:///a/"]
DURATIONS = [
    "5s",
    "1m30s",
    "500ms",
    "0s",
    "1ms",
    "1.5ms",
    "999us",
    "5",
    "",
    "-5s",
    "1h",
    "1.5s",
    "5 s",
    "0",
    ".5s",
    "1d",
]
LABELS = ["v1", "", "a.b", "-a", "a-", "a" * 63, "a" * 64, "V1", "a_b", "é"]
NAMESPACES = [".", "*", "default", "judged", "~", "a.b", ""]
REGEXES = ["a.*", "", "(a", "a" * 1025, "(?=a)", "[a-z]+", "*", r"\d+", "(?i)a"]
HEADERS = [
    "x-user",
    "",
    ":authority",
    "host",
    ":path",
    "a b",
    "@request.auth.claims.sub",
    "@request.auth.claims",
    ":method",
    "Host",
]
HEADER_VALUES = [
    "a",
    "",
    "100%",
    "100%%",
    "%HOSTNAME%",
    "%REQ(x)%",
    '%A(["b", "c"])%',
    "%A(",
    "a\tb",
    "a\nb",
    "%A(b",
    "%%%",
]
PROTOCOLS = ["HTTP", "http2", "TCP", "TLS", "HTTPS", "GRPC", "", "UDP", "FTP", "grpc-web", "MONGO"]
PORTS = [80, 443, 0, 65535, 65536, -1, 9080.0, 1.5]
PORT_NAMES = ["http", "a.b", "", "a" * 62, "a" * 63, "a" * 64, "tls"]
PERCENTAGES = [0, 100, 50, 0.00001, 100.5, -1, 101, 0.5]
LOCALITIES = ["a", "a/b", "a/b/c", "a/*", "*", "a/", "", "a*b", "a/b/*", "b/*", "*/a"]
TOPOLOGY = ["topology.kubernetes.io/region", "topology.istio.io/subzone", "app"]
FILES = ["/etc/a", ""]
CREDENTIALS = ["a", "", "configmap://judged/a", "configmap://other/a", "configmap://a", "kubernetes://a"]
ACCOUNTS = ["a", "default/a", "", "*", "a/b/c", "/a", "a/", "a" * 321]

WORDS: dict[str, list[Any]] = {
    "accessLogging": ["a"],
    "addresses": ADDRESSES,
    "allowHeaders": HEADERS,
    "allowMethods": ["GET", "*", "get", "", "FETCH"],
    "address": ENDPOINTS,
    "aggression": [1, 0, 0.5, -1],
    "attempts": [0, 1, 2, -1, 2**31],
    "authority": HOSTS,
    "baseEjectionTime": DURATIONS,
    "bind": [*ENDPOINTS, "0.0.0.0"],
    "caCertificates": FILES,
    "caCrl": FILES,
    "clientCertificate": FILES,
    "credentialName": CREDENTIALS,
    "credentialNames": CREDENTIALS,
    "defaultEndpoint": [
        "127.0.0.1:80",
        ":80",
        "[::1]:80",
        "unix:///a",
        "unix://a",
        "a:80",
        "80",
        "127.0.0.1:0",
        "0.0.0.0:x",
        "",
    ],
    "destinationSubnets": ADDRESSES,
    "exportTo": NAMESPACES,
    "exposeHeaders": HEADERS,
    "failoverPriority": TOPOLOGY,
    "from": LOCALITIES,
    "gateways": ["mesh", "default/a", "a.b", "a/b.c", "a/b/c", "", "/a", "A_b"],
    "group": ["", "core", "networking.istio.io", "gateway.networking.k8s.io", "a_b", "apps"],
    "grpcStatus": ["UNAVAILABLE", "unavailable", "", "14"],
    "host": HOSTS,
    "hosts": HOSTS,
    "httpStatus": [200, 503, 199, 600, 601, 0],
    "ipBlocks": ADDRESSES,
    "key": [
        *("request.headers[x]", "request.headers", "request.headers[]", "source.ip", "source.namespace", "a", ""),
        *(
            "destination.port",
            "request.auth.claims[a][b]",
            "source.principal",
            "connection.sni",
            "destination.labels[a]",
        ),
        *(
            "source.trustDomain",
            "source.serviceAccount",
            "remote.ip",
            "destination.namespace",
            "experimental.envoy.filters.a[b]",
        ),
    ],
    "kind": ["Service", "ServiceEntry", "Gateway", "GatewayClass", "Pod", "", "a_b"],
    "maxEjectionPercent": PERCENTAGES,
    "methods": ["GET", ""],
    "minHealthPercent": PERCENTAGES,
    "minimumPercent": PERCENTAGES,
    "minimumRingSize": [0, 1024],
    "mirrorPercent": [0, 100, 101],
    "name": [*PORT_NAMES, *LABELS],
    "namespace": ["", "default"],
    "namespaces": NAMESPACES,
    "network": ["", "a"],
    "notIpBlocks": ADDRESSES,
    "notNamespaces": NAMESPACES,
    "notPaths": ["/a", "/{*}", "/{**}/a", "/a{*}", ""],
    "notPorts": ["80", "0", "a", "65536", ""],
    "notRemoteIpBlocks": ADDRESSES,
    "notServiceAccounts": ACCOUNTS,
    "number": PORTS,
    "paths": ["/a", "/a*", "/{*}/a", "/{**}", "/{**}/a", "/{*}/{**}", "/a{b}", "", "/{*}/a b", "/a/{*}/", "{**}/{**}"],
    "port": PORTS,
    "ports": ["80", "0", "a", "65536", "", "+80"],
    "prefix": ["a", ""],
    "prefixRewrite": ["/a", ""],
    "privateKey": FILES,
    "protocol": [*PROTOCOLS, "CONNECT", "POST"],
    "redirectCode": [301, 299, 400, 0],
    "regex": REGEXES,
    "match": REGEXES,
    "remoteIpBlocks": ADDRESSES,
    "remove": HEADERS,
    "retryOn": ["5xx", "5xx,reset", "5xx, reset", "", "503", "999", "none", "0503", "reset,503"],
    "rewrite": ["a", ""],
    "scheme": ["http", "https", "ftp", ""],
    "serverCertificate": FILES,
    "serviceAccounts": ACCOUNTS,
    "sniHosts": HOSTS,
    "sourceNamespace": ["default", "a.b", ""],
    "status": [200, 199, 600, 601, 4294967295],
    "subset": LABELS,
    "tableSize": [7, 0, 8, 65537, 5000011, 1, 5000010],
    "targetHost": HOSTS,
    "targetPort": PORTS,
    "to": LOCALITIES,
    "trustDomains": ["a", "*", "a*", "*a", "a*b", "", "a/b", "**"],
    "ttl": DURATIONS,
    "uri": ["/a", ""],
    "value": PERCENTAGES,
    "values": ["a", "10.0.0.1", "80", "", "default/a", "a*b", "10.0.0.0/8"],
    "weight": [0, 1, 50, -1],
}
"""Texts and numbers, by the name of the field that holds them, or a list of them."""

KEYS: dict[str, list[Any]] = {
    "add": HEADERS,
    "headers": HEADERS,
    "labels": ["version", "a.b/c", "", "a b", "a*", "-a", "a/b/c", "a" * 64],
    "matchLabels": ["version", "a.b/c", "", "a*"],
    "portLevelMtls": ["80", "0", "65536", "a", "007", "+80", "-1"],
    "ports": [*PORT_NAMES, "a_b"],
    "queryParams": ["a", ""],
    "set": HEADERS,
    "sourceLabels": ["version", "a.b/c", "", "a b"],
    "to": LOCALITIES,
    "withoutHeaders": HEADERS,
}
"""Keys of maps."""

MAP_VALUES: dict[str, list[Any]] = {
    "add": HEADER_VALUES,
    "set": HEADER_VALUES,
    "ports": PORTS,
    "to": [100, 50, 0, 101],
    "labels": [*LABELS, "a*"],
    "matchLabels": [*LABELS, "a*"],
    "sourceLabels": LABELS,
}
