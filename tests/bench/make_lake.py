"""Writes a lake of made-up shop events in our layout (`shared/src/domain/lake.rs`), the same for the same seed.

    make_lake.py --out LAKE [--events 2000000] [--days 5] [--users 100000] [--shards 3] [--account 100000000] [--seed 1]

Twelve event names (Zipf), about ten properties of mixed types each, Unicode, about 540 bytes an event as JSON. Every
folder has a random stream of its own, seeded with (seed, day, event), so that folders come out the same one by one.
"""

import argparse
import datetime as dt
import json
import os
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EVENTS = [
    "App Launched",
    "Product Viewed",
    "Session Concluded",
    "Search",
    "Category Viewed",
    "Added To Cart",
    "Notification Viewed",
    "Notification Clicked",
    "Charged",
    "Wishlist Added",
    "App Installed",
    "Review Submitted",
]
ZIPF_S = 1.1
ADJ = [
    "Classic",
    "Slim",
    "Ultra",
    "Café",
    "Großes",
    "Élégant",
    "Naïve",
    "Süßes",
    "नया",
    "限定",
    "Новый",
    "Pro",
    "Mini",
    "Max",
    "Eco",
    "Smart",
]
NOUN = [
    "Shirt",
    "Jeans",
    "T-Shirt",
    "Shoes",
    "Kopfhörer",
    "Crème brûlée set",
    "साड़ी",
    "ワイヤレスイヤホン",
    '27" Monitor',
    "Backpack",
    "USB-C Cable",
    "Lamp",
    "Кружка",
    "Watch",
    "Phone case",
    "Blender 1.5L",
]
CITY = [
    "Mumbai",
    "Delhi",
    "Bengaluru",
    "São Paulo",
    "Zürich",
    "Москва",
    "東京",
    "New York",
    "London",
    "Köln",
    "Jakarta",
    "Singapore",
    "Málaga",
    "Chennai",
    "Paris",
    "Dubai",
]
CAT = [
    "Men > Apparel",
    "Women > Apparel",
    "Electronics",
    "Home & Kitchen",
    "Beauty",
    "Sports",
    "Toys",
    "Books",
    "Grocery",
    "Jewellery",
]
MAKES = [
    ("Samsung", "SM-G991B"),
    ("Samsung", "SM-A525F"),
    ("Apple", "iPhone14,5"),
    ("Apple", "iPhone15,2"),
    ("Xiaomi", "M2101K6G"),
    ("OnePlus", "LE2113"),
    ("Google", "Pixel 7"),
    ("vivo", "V2111"),
    ("OPPO", "CPH2269"),
    ("realme", "RMX3370"),
]
SEARCH = [
    "red shoes",
    "iphone 15 case",
    'laptop 16gb "ram"',
    "crème",
    "साड़ी",
    "wireless earbuds",
    "t shirt men",
    "smart watch under 2000",
    "ヘッドホン",
    "usb c\\hub",
    "gift",
    "lampe",
]


def js(strings):
    return pa.array([json.dumps(s, ensure_ascii=False) for s in strings])


class P:

    def __init__(s, key, plain, jtxt, mask=None):
        s.key, s.plain, s.jtxt, s.mask = (key, plain, jtxt, mask)


def sdict(r, key, n, vals, p_null=0.0, w=None):
    idx = r.choice(len(vals), n, p=w)
    i = pa.array(idx)
    m = None if not p_null else r.random(n) >= p_null
    return P(key, pa.array(vals).take(i), js(vals).take(i), m)


def ints(r, key, n, lo, hi, p_null=0.0):
    a = pc.cast(pa.array(r.integers(lo, hi, n)), pa.string())
    m = None if not p_null else r.random(n) >= p_null
    return P(key, a, a, m)


def cents(r, key, n, mean, sigma, p_null=0.0):
    c = np.round(np.exp(r.normal(mean, sigma, n)), 2)
    a = pc.cast(pa.array(c), pa.string())
    m = None if not p_null else r.random(n) >= p_null
    return P(key, a, a, m)


def flt(key, a):
    a = pc.cast(pa.array(a), pa.string())
    return P(key, a, a)


def bools(r, key, n, p):
    a = pa.array(["false", "true"]).take(pa.array((r.random(n) < p).astype(np.int64)))
    return P(key, a, a)


def sku(r, key, n):
    v = pc.cast(pa.array(np.minimum(r.zipf(1.3, n), 20000) + 100000), pa.string())
    pl = pc.binary_join_element_wise("SKU-", v, "")
    return P(key, pl, pc.binary_join_element_wise('"SKU-', v, '"', ""))


def uniq(r, key, n, pref):
    h = hexes(r, n, 16)
    pl = pc.binary_join_element_wise(pref, h, "")
    return P(key, pl, pc.binary_join_element_wise('"' + pref, h, '"', ""))


HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def hexes(r, n, w):
    b = HEX[r.integers(0, 16, (n, w), dtype=np.uint8)].tobytes()
    return pa.Array.from_buffers(
        pa.string(), n, [None, pa.py_buffer((np.arange(n + 1, dtype=np.int32) * w).tobytes()), pa.py_buffer(b)]
    )


def flatnames():
    return [a + " " + b for a in ADJ for b in NOUN]


def props(r, ev, n, user, U):
    ct = [
        P("ct_app_version", *[x.take(pa.array(U["appv_i"][user])) for x in (U["appv"], U["appv_j"])]),
        flt("ct_latitude", np.round(U["lat"][user] + r.normal(0, 0.01, n), 5)),
        flt("ct_longitude", np.round(U["lon"][user] + r.normal(0, 0.01, n), 5)),
        ints(r, "ct_session_id", n, 1714500000, 1715000000),
        sdict(r, "ct_network", n, ["wifi", "4g", "5g", "3g"], 0.05, [0.5, 0.3, 0.15, 0.05]),
        bools(r, "ct_wifi", n, 0.5),
    ]
    names = flatnames()
    e = {
        "App Launched": lambda: [
            ints(r, "launch_ms", n, 80, 4000),
            bools(r, "first_launch", n, 0.04),
            sdict(r, "utm_source", n, ["google", "facebook", "organic", "email", "instagram"], 0.4),
            sdict(r, "City", n, CITY),
        ],
        "Product Viewed": lambda: [
            sku(r, "Product ID", n),
            sdict(r, "Product Name", n, names),
            sdict(r, "Category", n, CAT),
            cents(r, "Price", n, 3.4, 1.0),
            bools(r, "In Stock", n, 0.93),
            cents(r, "Rating", n, 1.35, 0.15, 0.2),
        ],
        "Session Concluded": lambda: [
            ints(r, "Session Length", n, 1, 3600),
            ints(r, "Screens", n, 1, 60),
            sdict(r, "Last Screen", n, ["Home", "PDP", "Cart", "Checkout", "Profile", "Search"]),
            bools(r, "Converted", n, 0.03),
        ],
        "Search": lambda: [
            sdict(r, "Query", n, SEARCH),
            ints(r, "Results", n, 0, 500),
            cents(r, "Latency", n, 4, 0.6),
            sdict(r, "Sort", n, ["relevance", "price_asc", "price_desc", "new"], 0.3),
        ],
        "Category Viewed": lambda: [
            sdict(r, "Category", n, CAT),
            ints(r, "Position", n, 0, 40),
            sdict(r, "Layout", n, ["grid", "list"]),
            bools(r, "Filtered", n, 0.2),
        ],
        "Added To Cart": lambda: [
            sku(r, "Product ID", n),
            sdict(r, "Product Name", n, names),
            ints(r, "Quantity", n, 1, 6),
            cents(r, "Price", n, 3.4, 1.0),
            sdict(r, "Currency", n, ["INR", "USD", "EUR", "BRL"]),
            uniq(r, "Cart ID", n, "c_"),
        ],
        "Notification Viewed": lambda: [
            ints(r, "Campaign id", n, 1700000000, 1700002000),
            sdict(r, "Campaign type", n, ["Push", "Email", "InApp", "SMS"]),
            sdict(r, "Variant", n, ["Variant A", "Variant B", "Control"]),
            uniq(r, "wzrk_pid", n, "p"),
        ],
        "Notification Clicked": lambda: [
            ints(r, "Campaign id", n, 1700000000, 1700002000),
            sdict(r, "Campaign type", n, ["Push", "Email", "InApp", "SMS"]),
            sdict(r, "Variant", n, ["Variant A", "Variant B", "Control"]),
            uniq(r, "wzrk_pid", n, "p"),
        ],
        "Charged": lambda: [
            cents(r, "Amount", n, 4.2, 0.9),
            sdict(r, "Currency", n, ["INR", "USD", "EUR", "BRL"]),
            uniq(r, "Charged ID", n, "ord_"),
            sdict(r, "Payment Mode", n, ["UPI", "Credit Card", "COD", "Wallet", "Net Banking"]),
            ints(r, "Items", n, 1, 12),
            sdict(r, "Coupon", n, ["WELCOME10", "DIWALI25", "FREESHIP"], 0.7),
            bools(r, "First Purchase", n, 0.15),
        ],
        "Wishlist Added": lambda: [
            sku(r, "Product ID", n),
            sdict(r, "Product Name", n, names),
            cents(r, "Price", n, 3.4, 1.0),
            sdict(r, "Category", n, CAT),
        ],
        "App Installed": lambda: [
            sdict(r, "utm_source", n, ["google", "facebook", "organic", "email", "instagram"]),
            sdict(r, "utm_campaign", n, ["spring", "été_2024", "brand", "retarget"], 0.2),
            bools(r, "Reinstall", n, 0.2),
            sdict(r, "City", n, CITY),
        ],
        "Review Submitted": lambda: [
            sku(r, "Product ID", n),
            ints(r, "Stars", n, 1, 6),
            sdict(
                r,
                "Comment",
                n,
                [
                    "Great!",
                    "Sehr gut, gerne wieder",
                    "बहुत अच्छा",
                    "良い商品です",
                    'Not good:\n"broken" on arrival',
                    "Très bien, merci",
                ],
                0.3,
            ),
            bools(r, "Verified", n, 0.8),
        ],
    }[ev]()
    return e + ct


def users(seed, n):
    r = np.random.default_rng([seed, 999])
    U = {}
    U["object_id"] = hexes(r, n, 32)
    num = pc.cast(pa.array(np.arange(n) + 10000000), pa.string())

    def nullify(a, p):
        return pc.if_else(pa.array(r.random(n) >= p), a, pa.scalar(None, pa.string()))

    U["identity"] = nullify(num, 0.2)
    first = ["priya", "rahul", "anna", "jürgen", "maria", "li", "ivan", "olga", "john", "fatima", "kenji", "chloé"]
    dom = ["gmail.com", "yahoo.com", "example.org", "outlook.com"]
    U["email"] = nullify(
        pc.binary_join_element_wise(
            pa.array(first).take(pa.array(r.integers(0, 12, n))),
            ".",
            num,
            "@",
            pa.array(dom).take(pa.array(r.integers(0, 4, n))),
            "",
        ),
        0.3,
    )
    U["phone"] = nullify(
        pc.binary_join_element_wise("+91", pc.cast(pa.array(r.integers(7000000000, 9999999999, n)), pa.string()), ""),
        0.4,
    )
    mk = r.integers(0, len(MAKES), n)
    U["make"] = pa.array([m[0] for m in MAKES]).take(pa.array(mk))
    U["model"] = pa.array([m[1] for m in MAKES]).take(pa.array(mk))
    ios = np.isin(mk, [2, 3])
    web = r.random(n) < 0.2
    U["platform"] = pa.array(["Android", "iOS", "Web"]).take(pa.array(np.where(web, 2, ios.astype(int))))
    U["os_version"] = pa.array(["11", "12", "13", "14", "16.4", "17.1"]).take(
        pa.array(np.where(ios, r.integers(4, 6, n), r.integers(0, 4, n)))
    )
    av = ["7.%d.%d" % (i // 4, i % 4) for i in range(24)]
    U["appv"] = pa.array(av)
    U["appv_j"] = js(av)
    U["appv_i"] = np.minimum(r.geometric(0.15, n), 24) - 1
    U["app_version"] = U["appv"].take(pa.array(U["appv_i"]))
    U["carrier"] = nullify(
        pa.array(["Jio", "Airtel", "Vi", "T-Mobile", "Vodafone", "Claro"]).take(pa.array(r.integers(0, 6, n))), 0.25
    )
    U["lat"] = r.uniform(-35, 55, n)
    U["lon"] = r.uniform(-120, 140, n)
    w = 1 / np.arange(1, n + 1) ** 0.7
    U["cum"] = np.cumsum(w[r.permutation(n)]) / w.sum()
    return U


def part(seed, day, date, ei, n, U, out, account, shards):
    r = np.random.default_rng([seed, day, ei])
    ev = EVENTS[ei]
    user = np.minimum(np.searchsorted(U["cum"], r.random(n)), len(U["cum"]) - 1)
    ui = pa.array(user)
    ts = np.sort(r.integers(0, 86400000, n)) + int(
        dt.datetime.fromisoformat(date).replace(tzinfo=dt.timezone.utc).timestamp() * 1000
    )
    ps = props(r, ev, n, user, U)
    pieces = []
    for p in ps:
        a = pc.binary_join_element_wise(json.dumps(p.key) + ":", p.jtxt, "")
        if p.mask is not None:
            a = pc.if_else(pa.array(p.mask), a, pa.scalar(None, pa.string()))
        pieces.append(a)
    jsn = pc.binary_join_element_wise("{", pc.binary_join_element_wise(*pieces, ",", null_handling="skip"), "}", "")
    ident = U["identity"].take(ui)
    has = np.asarray(ident.is_valid())
    offs = np.zeros(n + 1, np.int32)
    offs[1:] = np.cumsum(has)
    t = pa.table(
        {
            "ts": pa.array(ts * 1000).cast(pa.timestamp("us", tz="UTC")),
            "object_id": U["object_id"].take(ui),
            "identity": ident,
            "all_identities": pa.ListArray.from_arrays(pa.array(offs), ident.drop_null()),
            "email": U["email"].take(ui),
            "phone": U["phone"].take(ui),
            "platform": U["platform"].take(ui),
            "make": U["make"].take(ui),
            "model": U["model"].take(ui),
            "app_version": U["app_version"].take(ui),
            "os_version": U["os_version"].take(ui),
            "event_props": jsn,
        }
    )
    t = t.replace_schema_metadata(
        {"spillway.property_keys": json.dumps({"event": [p.key for p in ps], "session": []}, ensure_ascii=False)}
    )
    for db in range(shards):
        s = t.filter(pa.array(user % shards == db))
        if not s.num_rows:
            continue
        d = f"{out}/account={account}/events/captured={date}-23/db={db}/event={quote(ev, safe='')}/date={date}"
        os.makedirs(d, exist_ok=True)
        pq.write_table(s, f"{d}/part-0.parquet", compression="zstd", row_group_size=100000)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", required=True)
    for name, default in (
        ("seed", 1),
        ("events", 5000000),
        ("days", 5),
        ("users", 100000),
        ("shards", 3),
        ("account", 100000000),
    ):
        ap.add_argument("--" + name, type=int, default=default)
    a = ap.parse_args()
    U = users(a.seed, a.users)
    w = 1 / np.arange(1, 13) ** ZIPF_S
    w /= w.sum()
    per = a.events // a.days
    for d in range(a.days):
        date = (dt.date(2024, 5, 1) + dt.timedelta(d)).isoformat()
        cnt = np.floor(w * per).astype(int)
        cnt[0] += per - cnt.sum()
        for ei in range(12):
            part(a.seed, d, date, ei, int(cnt[ei]), U, a.out, a.account, a.shards)
