"""Invented names, addresses and questions in several languages: the raw material of `world`. Data, no behaviour.

Mail domains are those reserved for examples (RFC 2606); phone numbers lie, where a country has any, in the ranges it
keeps for fiction.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Locale:
    """A country's people. `name` joins given and family name; `phone` is filled with digits at each `#`.

    `labels` are the form's own field names for full name, e-mail and phone: Meta sends them as the form has them.
    """

    code: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    name: str
    phone: str
    domain: str
    labels: tuple[str, str, str] = ("full_name", "email", "phone_number")


@dataclass(frozen=True, slots=True)
class FormText:
    """A lead form: its name, its page's name, the campaign, and questions with the answers people give."""

    locale: str
    page: str
    name: str
    campaign: str
    questions: tuple[tuple[str, tuple[str, ...]], ...]


LOCALES = (
    Locale(
        "pt",
        ("Ana", "João", "Beatriz", "Luís Otávio", "Márcia", "Thiago", "Conceição", "Vinícius"),
        ("Souza", "Araújo", "Conceição Figueiredo", "da Silva", "Magalhães", "Brandão", "Nóbrega"),
        "{given} {family}",
        "+55 11 90000-####",
        "exemplo.example",
        ("nome_completo", "email", "telefone"),
    ),
    Locale(
        "de",
        ("Jürgen", "Änne", "Karl-Heinz", "Sören", "Brigitte", "Maximiliane", "Götz", "Zoë"),
        ("Müller", "Schäfer", "Groß", "von Weizsäcker-Hohenstein", "Öztürk", "Köhler", "Vogt"),
        "{given} {family}",
        "0171 39200##",
        "beispiel.example",
        ("vollständiger_name", "email", "telefonnummer"),
    ),
    Locale(
        "ja",
        ("花子", "太郎", "さくら", "健一", "美咲", "翔太", "ゆうこ"),
        ("山田", "佐藤", "鈴木", "髙橋", "渡邉", "小鳥遊", "伊集院"),
        "{family} {given}",
        "090-0000-####",
        "mail.example",
        ("氏名", "email", "phone_number"),
    ),
    Locale(
        "en-NG",
        ("Chinedu", "Ngozi", "Oluwaseun", "Amaka", "Ifeoma", "Emeka", "Temitope"),
        ("Okafor", "Adébáyọ̀", "Nwosu-Eze", "Balogun", "Ogunleye", "Eze"),
        "{given} {family}",
        "+234 800 000 ####",
        "example.org",
    ),
    Locale(
        "en-US",
        ("Wei", "Mary Ann", "D'Andre", "Siobhán", "José", "Priya", "Mackenzie"),
        ("O'Brien", "Smith-Jones", "Nguyen", "García", "Patel", "St. John", "Lee"),
        "{given} {family}",
        "+1 (202) 555-01##",
        "example.com",
        ("FULL_NAME", "EMAIL", "PHONE_NUMBER"),
    ),
    Locale(
        "fr",
        ("Chloé", "François", "Maëlys", "Jean-Baptiste", "Noémie", "Loïc", "Anaïs"),
        ("Lefèvre", "d'Aubigné", "Beaumarchais", "Nguyễn", "Béranger", "L'Hôpital"),
        "{given} {family}",
        "06 39 98 ## ##",
        "exemple.example",
        ("nom_complet", "e-mail", "téléphone"),
    ),
    Locale(
        "ar",
        ("محمد", "فاطمة", "يوسف", "نور", "ليلى", "عبد الرحمن"),
        ("الأنصاري", "بن عبد العزيز", "الهاشمي", "حدّاد", "منصور"),
        "{given} {family}",
        "+971 50 000 ####",
        "example.net",
        ("الاسم_الكامل", "email", "phone_number"),
    ),
    Locale(
        "hi",
        ("आशा", "राजेश", "प्रियंका", "विक्रम", "श्रेया"),
        ("शर्मा", "पटेल", "श्रीवास्तव", "चौधरी", "अय्यर"),
        "{given} {family}",
        "+91 00000 0####",
        "example.com",
        ("पूरा_नाम", "email", "phone_number"),
    ),
    Locale(
        "pl",
        ("Małgorzata", "Wojciech", "Żaneta", "Zbigniew", "Łucja", "Świętosława"),
        ("Wiśniewska", "Brzęczyszczykiewicz", "Żółkiewski", "Nowak", "Łęcka"),
        "{given} {family}",
        "+48 000 000 ###",
        "example.org",
    ),
    Locale(
        "ko",
        ("민준", "서연", "지우", "하윤", "은주"),
        ("김", "이", "박", "황보", "남궁"),
        "{family}{given}",
        "010-0000-####",
        "mail.example",
    ),
    Locale(
        "th",
        ("สมชาย", "กาญจนา", "ณัฐวุฒิ", "ปิยะนุช"),
        ("ศรีสุวรรณ", "ณ อยุธยา", "วงศ์สวัสดิ์"),
        "{given} {family}",
        "08 0000 ####",
        "example.net",
    ),
)

FORMS = (
    FormText(
        "pt",
        "Imóveis Horizonte",
        "Imóveis SP",
        "Lançamento Jardins · outono",
        (
            ("quantos_quartos_você_procura?", ("1", "2", "3", "4 ou mais")),
            ("faixa_de_preço", ("até R$ 500 mil", "R$ 500 mil – 1 mi", "acima de R$ 1 mi")),
        ),
    ),
    FormText(
        "de",
        "Autohaus Schäfer",
        "Probefahrt",
        "E-Kombi Herbst",
        (
            ("wunschmodell", ("Kombi", "Limousine", "SUV")),
            ("welcher_tag_passt_ihnen?", ("Samstag", "unter der Woche, nach 18 Uhr")),
        ),
    ),
    FormText(
        "ja",
        "さくら不動産",
        "資料請求",
        "秋のマンション見学会",
        (("ご希望の間取り", ("1LDK", "2LDK", "3LDK以上")), ("ご来場予定", ("今週末", "来週", "未定"))),
    ),
    FormText(
        "en-NG",
        "Lagos Motors",
        "Test drive",
        "Drive Lagos Q4",
        (("which_car?", ("Saloon", "Pick-up", "Bus 🚌")), ("when_can_you_come?", ("Today", "Saturday"))),
    ),
    FormText(
        "en-US",
        "Blue Ridge Solar",
        "Free roof check ☀️",
        "Rooftop spring",
        (
            ("do_you_own_your_home?", ("Yes", "No", "It's complicated")),
            ("average_monthly_bill", ("under $100", "$100-$200", "over $200")),
            ("services", ("Panels", "Battery", "EV charger")),
        ),
    ),
    FormText(
        "fr",
        "École Molière",
        "Brochure – rentrée",
        "Portes ouvertes",
        (("niveau_souhaité", ("Licence", "Master", "Je ne sais pas encore")),),
    ),
    FormText("ar", "مركز النور", "حجز موعد", "حملة الخريف", (("الخدمة", ("استشارة", "فحص", "متابعة")),)),
    FormText("hi", "दीप कोचिंग", "मुफ़्त डेमो क्लास", "Admissions 26", (("कक्षा", ("10", "12", "NEET")),)),
    FormText(
        "pl",
        "Klinika Uśmiech",
        "Bezpłatna konsultacja",
        "Wiosna – implanty",
        (("czego_dotyczy_wizyta?", ("Implanty", "Aparat", "Wybielanie")),),
    ),
    FormText("ko", "서울어학원", "무료 레벨 테스트", "가을 학기", (("희망 과정", ("회화", "토익", "비즈니스")),)),
    FormText("th", "บ้านสวนรีสอร์ท", "จองห้องพัก", "ไฮซีซั่น", (("จำนวนคืน", ("1", "2", "3+")),)),
)

LONG_NAMES = (
    "Maria do Carmo Aparecida Conceição de Albuquerque e Vasconcelos Cavalcanti de Oliveira Montenegro",
    "Karl-Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph Sylvester Buhl-Freiherr von und zu Guttenstein",
    "Rosalind Arusha Arkadina Altalune Florence Thurman-Busson-Featherstonehaugh-Cholmondeley",
)

DECORATED = ("{} 🦊", "✨{}✨", "{} 👩‍👩‍👧‍👦", "🇧🇷 {}", "{} (call after 6 pm!!)", "[b]{}[/b]", "{} <3")
"""How some people write their names; the brackets are there for consoles that would take them for markup."""
