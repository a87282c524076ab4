"""Invented customers: names, streets and telephone numbers that belong to nobody.

Mail goes to example.com, .net and .org only, and telephone numbers come from the ranges that
France (01 99 00) and the United Kingdom (020 7946 0) set aside for fiction.
"""

from dataclasses import dataclass
from random import Random

_FIRST = {
    "fr": "Anaïs Baptiste Capucine Damien Élodie Florent Garance Hugo Inès Jérôme Katell Loïc "
    "Maëlle Noémie Océane Perrine Quentin Rémi Solène Thibault Ursule Victoire Wandrille Zoé",
    "en": "Alice Barnaby Clara Dexter Edith Fergus Gwen Harriet Isaac Juno Kit Lorna Miles Nell "
    "Oscar Poppy Quincy Rowan Saffron Tobias Una Violet Winifred Xander Yvette",
}
_LAST = {
    "fr": "Aubépin Bruyère Chantepie Dutilleul Écuyer Fontbrune Grandpré Hautecœur Issartel "
    "Jolivet Kerboul L'Hermine Montclair Noirmont Ormesson Pâquerette Quincy Rocheclair "
    "Saint-Amour Tournesol Vallombreuse Yvoire",
    "en": "Ashdown Bramble Copperfield Dunmore Eastwick Fairweather Greenhalgh Hawthorn Ivers "
    "Jessop Kingfisher Lark Marlowe Nettle Oakenshaw Pemberton Quill Ravenscroft Silverton "
    "Thistle Underhill Wintergreen",
}
FIRST = {language: names.split() for language, names in _FIRST.items()}
LAST = {language: names.split() for language, names in _LAST.items()}
STREETS = {
    "fr": ("rue des Tilleuls", "avenue du Moulin", "place de l'Église", "impasse des Lilas"),
    "en": ("Mill Lane", "Orchard Road", "Station Terrace", "Cedar Close"),
}
TOWNS = {
    "FR": (
        ("75011", "Paris"),
        ("69003", "Lyon"),
        ("59000", "Lille"),
        ("13006", "Marseille"),
        ("33000", "Bordeaux"),
        ("67000", "Strasbourg"),
        ("35000", "Rennes"),
        ("06000", "Nice"),
        ("01000", "Bourg-en-Bresse"),
    ),
    "BE": (("1000", "Bruxelles"), ("4000", "Liège"), ("9000", "Gent")),
    "DE": (("10115", "Berlin"), ("50667", "Köln"), ("80331", "München")),
    "ES": (("28013", "Madrid"), ("08002", "Barcelona"), ("41001", "Sevilla")),
    "GB": (("SW1A 1AA", "London"), ("M1 1AE", "Manchester"), ("EH1 1YZ", "Edinburgh")),
    "IE": (("D02 X285", "Dublin"),),
    "NL": (("1012 AB", "Amsterdam"), ("3011 AD", "Rotterdam")),
    "CH": (("1201", "Genève"), ("8001", "Zürich")),
    "IT": (("20121", "Milano"), ("00184", "Roma")),
    "PT": (("1100-148", "Lisboa"),),
}
_ALPHA3 = """
FR:FRA BE:BEL DE:DEU ES:ESP GB:GBR IE:IRL NL:NLD CH:CHE IT:ITA PT:PRT AT:AUT AU:AUS BH:BHR
BR:BRA CA:CAN CY:CYP CZ:CZE DK:DNK FI:FIN GR:GRC HK:HKG IS:ISL IL:ISR JE:JEY JP:JPN LB:LBN
LT:LTU MT:MLT NO:NOR PL:POL SA:SAU SG:SGP SE:SWE AE:ARE US:USA ZA:ZAF
"""
ALPHA3 = {pair[:2]: pair[3:] for pair in _ALPHA3.split()}
# How real tables call countries, where they do not write ISO 3166.
_LABELS = """
United Kingdom:GB,EIRE:IE,RSA:ZA,USA:US,Channel Islands:JE,European Community:BE,
Unspecified:GB,France:FR,Germany:DE,Spain:ES,Belgium:BE,Netherlands:NL,Switzerland:CH,
Italy:IT,Portugal:PT,Austria:AT,Australia:AU,Bahrain:BH,Brazil:BR,Canada:CA,Cyprus:CY,
Czech Republic:CZ,Denmark:DK,Finland:FI,Greece:GR,Hong Kong:HK,Iceland:IS,Israel:IL,
Japan:JP,Lebanon:LB,Lithuania:LT,Malta:MT,Norway:NO,Poland:PL,Saudi Arabia:SA,
Singapore:SG,Sweden:SE,United Arab Emirates:AE
"""
LABELS = {pair.strip()[:-3]: pair.strip()[-2:] for pair in _LABELS.strip().split(",")}


@dataclass
class Person:
    """A customer, and where parcels go. `country` is ISO 3166-1 alpha-2."""

    first: str
    last: str
    company: str
    email: str
    phone: str
    street: str
    street2: str
    postal_code: str
    city: str
    country: str
    language: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


def country_code(label: str) -> str:
    """Return the alpha-2 code of a country as a table calls it; GB where it says nothing."""
    if len(label) == 2 and label.isupper():
        return label
    return LABELS.get(label.strip(), "GB")


def _plain(text: str) -> str:
    accents = str.maketrans("ÉÈÊâàéèêëîïôöûüçœ'", "EEEaaeeeeiioouuco-")
    return text.translate(accents).lower().replace(" ", "-")


def person(random: Random, country: str) -> Person:
    """Invent a customer of a country."""
    language = "fr" if country in ("FR", "BE", "CH") else "en"
    first = random.choice(FIRST[language])
    last = random.choice(LAST[language])
    postal_code, city = random.choice(TOWNS.get(country, (("00000", "Capital City"),)))
    number = random.randint(1, 120)
    street = random.choice(STREETS[language])
    french = language == "fr"
    return Person(
        first=first,
        last=last,
        company=random.choice(("", "", "", "", "", "Atelier & Fils", "Brook; Stone Ltd")),
        email=f"{_plain(first)}.{_plain(last)}{random.randint(1, 9999)}"
        f"@example.{random.choice(('com', 'net', 'org'))}",
        phone=f"+33 1 99 00 {random.randint(10, 99)} {random.randint(10, 99)}"
        if french
        else f"+44 20 7946 0{random.randint(100, 999)}",
        street=f"{number} {street}",
        street2=random.choice(("", "", "", "Bâtiment B", 'Appt "3"')) if french else "",
        postal_code=postal_code,
        city=city,
        country=country,
        language=language,
    )
