"""Made-up leads in bulk for the benchmark of the store: names in many scripts, skewed as real ones are. Repeatable."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.store.text import fold, parts, search_text

FORMS, PAGES, CAMPAIGNS = 2_000, 50, 300
SPAN = timedelta(days=730)
"""How far back the oldest lead was received."""

SOURCES = ("meta", "forms", "google", "typeform")
LEAD_COLUMNS = (
    "source, external_id, job_id, page_id, page_name, form_id, form_name, ad_id, ad_name, campaign_id, campaign_name, "
    "full_name, email, phone, phone_e164, platform, fields, consent, raw, status, is_test, cleaned, search, "
    "search_parts, created_at, received_at, stored_at"
)
DELIVERY_COLUMNS = (
    "job_id, seq, source, external_id, outcome, attempts, request_id, worker, lead_id, received_at, finished_at"
)

_CHUNK = 10_000
_PERSONS = 300_000
_PAIRS = [a + b for a, b in itertools.product("0123456789ABCDEFGHJKMNPQRSTVWXYZ", repeat=2)]
"""Of Crockford's base 32, as ULIDs are written."""

# First names, surnames and how often that script comes.
_SCRIPTS: tuple[tuple[float, str, str], ...] = (
    (
        0.62,
        """Ana Maria João José Antônio Francisco Carlos Paulo Pedro Lucas Luiz Marcos Gabriel Rafael Daniel Marcelo
        Bruno Eduardo Felipe Juliana Márcia Fernanda Patrícia Aline Sandra Camila Amanda Bruna Jéssica Letícia Júlia
        Luciana Vanessa Mariana Gabriela Vera Vitória Larissa Cláudia Beatriz Rita Sônia Renata Eliane Thaís
        Íris Zoé""",
        """Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho
        Almeida Lopes Soares Fernandes Vieira Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado
        Mendes Freitas Cardoso Ramos Gonçalves Santana Teixeira Araújo Pinto Xavier Queiroz""",
    ),
    (
        0.2,
        """James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Jürgen Wolfgang
        Ursula Renate Klaus Günther Björn Søren Zoë Chloë François Hélène Łukasz Małgorzata Nguyễn Trần Đặng""",
        """Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Müller Schmidt Schneider Fischer
        Weber Großmann Weiß Jørgensen Åkesson Kowalski Wójcik Nowak Văn Thị Hoàng Dupont Lefèvre""",
    ),
    (
        0.06,
        "Александр Дмитрий Максим Сергей Андрей Анна Мария Елена Ольга Наталья",
        "Иванов Смирнов Кузнецов Попов Васильев Петрова Соколова Михайлова",
    ),
    (0.05, "محمد أحمد علي فاطمة مريم خالد يوسف نور", "العلي الحسن المصري الخطيب السيد حداد"),
    (0.03, "राहुल अमित प्रिया अंजलि सुनीता विजय", "शर्मा वर्मा गुप्ता सिंह पटेल"),
    (0.02, "สมชาย สมหญิง ประเสริฐ", "ใจดี รักไทย ศรีสุข"),
    (0.02, "伟 芳 娜 敏 静 丽 强 磊 洋 勇", "王 李 张 刘 陈 杨 黄"),
)
_SYLLABLES = """ba be bo bra ca ce co cha da de di do fa fe ga gra ha jo ka la le li lo ma me mi mo na ne ni no pa pe po
ra re"""
_ENDINGS = "n r s l lli tti nski wicz mann berg sson ez es ão eira off ov stein"
_DOMAINS = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "uol.com.br")
_DOMAIN_WEIGHTS = (0.60, 0.11, 0.08, 0.07, 0.03, 0.02)


@dataclass(frozen=True, slots=True)
class Person:
    """A name, its folded form, and what is left of it in an address."""

    name: str
    folded: str
    local: str


@dataclass(frozen=True, slots=True)
class Known:
    """Values of a lead, to ask for."""

    id: int
    form: str
    page: str
    campaign: str
    name: str
    email: str
    external: str
    job: str
    request: str
    phone: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A chunk for COPY (text format), and what is known of some of its leads."""

    leads: bytes
    deliveries: bytes
    known: tuple[Known, ...]


def persons(count: int = _PERSONS) -> list[Person]:
    """So many distinct people; the first ones are to be drawn more often."""
    dice = random.Random(7)
    syllables, endings = _SYLLABLES.split(), _ENDINGS.split()
    surnames = ["".join(dice.choices(syllables, k=dice.randint(2, 3))).title() for _ in range(20_000)]
    surnames = [surname + ending for surname, ending in zip(surnames, itertools.cycle(endings), strict=False)]
    weights = [weight for weight, _, _ in _SCRIPTS]
    names = [(first.split(), last.split()) for _, first, last in _SCRIPTS]
    made = []
    for first, last in dice.choices(names, weights, k=count):
        chinese = last[0] == "王"
        given = _skewed(dice, first)
        family = dice.choice(surnames) if first[0] in ("Ana", "James") and dice.random() < 0.35 else _skewed(dice, last)
        if first[0] == "Ana" and dice.random() < 0.4:
            given += f" {_skewed(dice, first)}"
        name = f"{family}{given}{dice.choice(first) if dice.random() < 0.5 else ''}" if chinese else f"{given} {family}"
        folded = fold(name)
        ascii_only = "".join(c for c in folded.replace(" ", ".") if c.isascii())
        local = ascii_only if len(ascii_only) > 4 else "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=7))
        made.append(Person(name, folded, local))
    return made


def chunks(first: int, every: int, total: int, now: datetime, known: int = 20) -> Iterator[Made]:
    """Every `every`-th chunk of `total` leads from number `first` on, oldest first; `known` of each are told of.

    The number is the row's id and the delivery's seq.
    """
    people = persons()
    person_weights = list(itertools.accumulate(1 / (n + 500) for n in range(len(people))))
    form_weights = list(itertools.accumulate(1 / n for n in range(1, FORMS + 1)))
    domains = [
        *_DOMAINS,
        *(f"{fold(p.name).split()[-1]}{n}.com" for n, p in enumerate(people[:5_000]) if p.name.isascii()),
    ]
    rest = (1 - sum(_DOMAIN_WEIGHTS)) / (len(domains) - len(_DOMAINS))
    domain_weights = list(itertools.accumulate([*_DOMAIN_WEIGHTS, *[rest] * (len(domains) - len(_DOMAINS))]))
    step = SPAN / total
    for begin in range(first * _CHUNK, total, every * _CHUNK):
        dice = random.Random(begin)
        count = min(_CHUNK, total - begin)
        drawn = zip(
            range(begin, begin + count),
            dice.choices(people, cum_weights=person_weights, k=count),
            dice.choices(range(FORMS), cum_weights=form_weights, k=count),
            dice.choices(domains, cum_weights=domain_weights, k=count),
            dice.choices(SOURCES, (0.945, 0.03, 0.02, 0.005), k=count),
            strict=True,
        )
        leads, deliveries, told = [], [], []
        for n, person, form, domain, source in drawn:
            at = now - SPAN + step * n + timedelta(seconds=dice.random() * 20)
            tell = (n - begin) * known // count != (n - begin - 1) * known // count
            lead, delivery, facts = _lead(dice, n, person, form, domain, source, at, tell=tell)
            leads.append(lead)
            deliveries.append(delivery)
            if facts:
                told.append(facts)
        yield Made("".join(leads).encode(), "".join(deliveries).encode(), tuple(told))


def form_id(form: int) -> str:
    """The id of form number `form`; 0 is the largest."""
    return f"88{form * 7919 % 9973:04d}{form:06d}"


def page_id(page: int) -> str:
    """The id of page number `page`."""
    return f"1029{page:08d}"


def campaign_id(campaign: int) -> str:
    """The id of campaign number `campaign`."""
    return f"2384{campaign * 31:010d}"


def _lead(
    dice: random.Random, n: int, person: Person, form: int, domain: str, source: str, at: datetime, *, tell: bool
) -> tuple[str, str, Known | None]:
    external = f"{4_000_000_000_000_000 + n * 7_919 + 11}"
    job = _ulid(dice, at)
    request = f"{dice.getrandbits(64):016x}"
    area, left, right = 11 + int(89 * dice.random()), 90_000 + int(10_000 * dice.random()), int(10_000 * dice.random())
    phone, e164 = f"+55 {area} {left}-{right:04d}", f"+55{area}{left}{right:04d}"
    email = f"{person.local}{1 + int(9999 * dice.random()) if dice.random() < 0.7 else ''}@{domain}"
    page, campaign = form % PAGES, form * 7 % CAMPAIGNS
    partial = dice.random() < 0.002
    name, folded, status = ("", "", "partial") if partial else (person.name, person.folded, "stored")
    if partial:
        email = phone = e164 = ""
    search = search_fast(folded, email, phone, e164, external)
    stamp = at.isoformat()
    has_campaign = campaign % 4 != 0
    fields = (
        "{}"
        if partial
        else (
            f'{{"full_name": ["{name}"], "email": ["{email}"], "phone_number": ["{phone}"], '
            f'"quando_pretende_comprar": ["em_ate_{form % 9}_meses"]}}'
        )
    )
    raw = (
        f'{{"id": "{external}", "ad_id": "{campaign_id(campaign)}", "form_id": "{form_id(form)}", '
        f'"created_time": "{stamp}", "field_data": '
        f'[{{"name": "full_name", "values": ["{name}"]}}, {{"name": "email", "values": ["{email}"]}}, '
        f'{{"name": "phone_number", "values": ["{phone}"]}}]}}'
    )
    lead = (
        f"{n + 1}\t{source}\t{external}\t{job}\t{page_id(page)}\tImobili\u00e1ria {page}\t{form_id(form)}\tForm {form}"
        f"\t{campaign_id(campaign)}7\tAd {campaign}\t{campaign_id(campaign) if has_campaign else ''}\t"
        f"{f'Campaign {campaign}' if has_campaign else ''}\t{name}\t{email}\t{phone}\t{e164}\tig\t{fields}\t"
        f'{{"marketing": true}}\t{raw}\t{status}\tf\tf\t{search}\t{parts(search)}\t{stamp}\t{stamp}\t{stamp}\n'
    )
    delivery = f"{job}\t{n + 1}\t{source}\t{external}\tstored\t1\t{request}\tworker-1\t{n + 1}\t{stamp}\t{stamp}\n"
    if not tell:
        return lead, delivery, None
    known = Known(
        n + 1,
        form_id(form),
        page_id(page),
        campaign_id(campaign) if has_campaign else "",
        name,
        email,
        external,
        job,
        request,
        phone,
        at,
    )
    return lead, delivery, known


def search_fast(folded: str, email: str, phone: str, e164: str, external: str) -> str:
    """What `search_text` gives for values such as these, without folding a name again."""
    digits = e164[1:]
    return " ".join(part for part in (folded, email, phone, digits, e164, external) if part)


def same_search_text(people: Sequence[Person]) -> bool:
    """Whether `search_fast` agrees with the product's own."""
    rest = ("a.b7@gmail.com", "+55 11 91234-0001", "+5511912340001", "4000000000000011")
    return all(search_fast(p.folded, *rest) == search_text(p.name, *rest) for p in people[:1_000])


def _skewed(dice: random.Random, words: Sequence[str]) -> str:
    """One of them, the first ones far more often."""
    return words[int(len(words) * dice.random() ** 2.2)]


def _ulid(dice: random.Random, at: datetime) -> str:
    stamp, random_bits = int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)), dice.getrandbits(80)
    number = stamp << 80 | random_bits
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])
