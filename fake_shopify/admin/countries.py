"""Countries, their zones and calling codes: the names and codes that addresses show and that address input may use.

The names are the ones whose alphabetical order is the captured order of `CountryCode` (errors: see `enums.py`), which is also how
Shopify's open `worldwide` data names countries. Zones are kept for the countries listed in `_ZONES`; a country that is not there
either has none at Shopify (Germany, France) or is not modelled, and takes whatever province text it is given.
"""

from __future__ import annotations

import re
from functools import cache

_NAMES = """
AF Afghanistan|AX Aland Islands|AL Albania|DZ Algeria|AD Andorra|AO Angola|AI Anguilla|AG Antigua And Barbuda|AR Argentina|
AM Armenia|AW Aruba|AC Ascension Island|AU Australia|AT Austria|AZ Azerbaijan|BS Bahamas|BH Bahrain|BD Bangladesh|BB Barbados|
BY Belarus|BE Belgium|BZ Belize|BJ Benin|BM Bermuda|BT Bhutan|BO Bolivia|BA Bosnia And Herzegovina|BW Botswana|BV Bouvet Island|
BR Brazil|IO British Indian Ocean Territory|BN Brunei|BG Bulgaria|BF Burkina Faso|BI Burundi|KH Cambodia|CA Canada|
CV Cape Verde|BQ Caribbean Netherlands|KY Cayman Islands|CF Central African Republic|TD Chad|CL Chile|CN China|
CX Christmas Island|CC Cocos (Keeling) Islands|CO Colombia|KM Comoros|CG Congo|CD Congo, The Democratic Republic Of The|
CK Cook Islands|CR Costa Rica|HR Croatia|CU Cuba|CW Curaçao|CY Cyprus|CZ Czech Republic|CI Côte d'Ivoire|DK Denmark|DJ Djibouti|
DM Dominica|DO Dominican Republic|EC Ecuador|EG Egypt|SV El Salvador|GQ Equatorial Guinea|ER Eritrea|EE Estonia|SZ Eswatini|
ET Ethiopia|FK Falkland Islands (Malvinas)|FO Faroe Islands|FJ Fiji|FI Finland|FR France|GF French Guiana|PF French Polynesia|
TF French Southern Territories|GA Gabon|GM Gambia|GE Georgia|DE Germany|GH Ghana|GI Gibraltar|GR Greece|GL Greenland|GD Grenada|
GP Guadeloupe|GT Guatemala|GG Guernsey|GN Guinea|GW Guinea Bissau|GY Guyana|HT Haiti|HM Heard Island And Mcdonald Islands|
VA Holy See (Vatican City State)|HN Honduras|HK Hong Kong|HU Hungary|IS Iceland|IN India|ID Indonesia|
IR Iran, Islamic Republic Of|IQ Iraq|IE Ireland|IM Isle Of Man|IL Israel|IT Italy|JM Jamaica|JP Japan|JE Jersey|JO Jordan|
KZ Kazakhstan|KE Kenya|KI Kiribati|KP Korea, Democratic People's Republic Of|XK Kosovo|KW Kuwait|KG Kyrgyzstan|
LA Lao People's Democratic Republic|LV Latvia|LB Lebanon|LS Lesotho|LR Liberia|LY Libyan Arab Jamahiriya|LI Liechtenstein|
LT Lithuania|LU Luxembourg|MO Macao|MG Madagascar|MW Malawi|MY Malaysia|MV Maldives|ML Mali|MT Malta|MQ Martinique|
MR Mauritania|MU Mauritius|YT Mayotte|MX Mexico|MD Moldova, Republic of|MC Monaco|MN Mongolia|ME Montenegro|MS Montserrat|
MA Morocco|MZ Mozambique|MM Myanmar|NA Namibia|NR Nauru|NP Nepal|NL Netherlands|AN Netherlands Antilles|NC New Caledonia|
NZ New Zealand|NI Nicaragua|NE Niger|NG Nigeria|NU Niue|NF Norfolk Island|MK North Macedonia|NO Norway|OM Oman|PK Pakistan|
PS Palestinian Territory, Occupied|PA Panama|PG Papua New Guinea|PY Paraguay|PE Peru|PH Philippines|PN Pitcairn|PL Poland|
PT Portugal|QA Qatar|CM Republic of Cameroon|RE Reunion|RO Romania|RU Russia|RW Rwanda|BL Saint Barthélemy|SH Saint Helena|
KN Saint Kitts And Nevis|LC Saint Lucia|MF Saint Martin|PM Saint Pierre And Miquelon|WS Samoa|SM San Marino|
ST Sao Tome And Principe|SA Saudi Arabia|SN Senegal|RS Serbia|SC Seychelles|SL Sierra Leone|SG Singapore|SX Sint Maarten|
SK Slovakia|SI Slovenia|SB Solomon Islands|SO Somalia|ZA South Africa|GS South Georgia And The South Sandwich Islands|
KR South Korea|SS South Sudan|ES Spain|LK Sri Lanka|VC St. Vincent|SD Sudan|SR Suriname|SJ Svalbard And Jan Mayen|SE Sweden|
CH Switzerland|SY Syria|TW Taiwan|TJ Tajikistan|TZ Tanzania, United Republic Of|TH Thailand|TL Timor Leste|TG Togo|TK Tokelau|
TO Tonga|TT Trinidad and Tobago|TA Tristan da Cunha|TN Tunisia|TR Turkey|TM Turkmenistan|TC Turks and Caicos Islands|TV Tuvalu|
UG Uganda|UA Ukraine|AE United Arab Emirates|GB United Kingdom|US United States|UM United States Minor Outlying Islands|
UY Uruguay|UZ Uzbekistan|VU Vanuatu|VE Venezuela|VN Vietnam|VG Virgin Islands, British|WF Wallis And Futuna|EH Western Sahara|
YE Yemen|ZM Zambia|ZW Zimbabwe
"""

_ZONES = """
AE: AZ Abu Dhabi|AJ Ajman|DU Dubai|FU Fujairah|RK Ras al-Khaimah|SH Sharjah|UQ Umm al-Quwain
AU: ACT Australian Capital Territory|NSW New South Wales|NT Northern Territory|QLD Queensland|SA South Australia|TAS Tasmania|
VIC Victoria|WA Western Australia
BR: AC Acre|AL Alagoas|AP Amapá|AM Amazonas|BA Bahia|CE Ceará|DF Distrito Federal|ES Espírito Santo|GO Goiás|MA Maranhão|
MT Mato Grosso|MS Mato Grosso do Sul|MG Minas Gerais|PA Pará|PB Paraíba|PR Paraná|PE Pernambuco|PI Piauí|
RN Rio Grande do Norte|RS Rio Grande do Sul|RJ Rio de Janeiro|RO Rondônia|RR Roraima|SC Santa Catarina|SP São Paulo|
SE Sergipe|TO Tocantins
CA: AB Alberta|BC British Columbia|MB Manitoba|NB New Brunswick|NL Newfoundland and Labrador/Newfoundland/NF|
NT Northwest Territories|NS Nova Scotia|NU Nunavut|ON Ontario|PE Prince Edward Island|QC Quebec/Québec/PQ|SK Saskatchewan|
YT Yukon
GB: BFP British Forces|ENG England|NIR Northern Ireland|SCT Scotland|WLS Wales
HK: HK Hong Kong Island/Hong Kong|KL Kowloon|NT New Territories
IE: CW Carlow|CN Cavan|CE Clare|CO Cork|DL Donegal|D Dublin|G Galway|KY Kerry|KE Kildare|KK Kilkenny|LS Laois|LM Leitrim|
LK Limerick|LD Longford|LH Louth|MO Mayo|MH Meath|MN Monaghan|OY Offaly|RN Roscommon|SO Sligo|TA Tipperary|WD Waterford|
WH Westmeath|WX Wexford|WW Wicklow
IN: AN Andaman and Nicobar Islands|AP Andhra Pradesh|AR Arunachal Pradesh|AS Assam|BR Bihar|CH Chandigarh|CG Chhattisgarh|
DN Dadra and Nagar Haveli|DD Daman and Diu|DL Delhi|GA Goa|GJ Gujarat|HR Haryana|HP Himachal Pradesh|JK Jammu and Kashmir|
JH Jharkhand|KA Karnataka|KL Kerala|LA Ladakh|LD Lakshadweep|MP Madhya Pradesh|MH Maharashtra|MN Manipur|ML Meghalaya|
MZ Mizoram|NL Nagaland|OR Odisha|PY Puducherry|PB Punjab|RJ Rajasthan|SK Sikkim|TN Tamil Nadu|TS Telangana|TR Tripura|
UP Uttar Pradesh|UK Uttarakhand|WB West Bengal
IT: AG Agrigento|AL Alessandria|AN Ancona|AO Aosta|AR Arezzo|AP Ascoli Piceno|AT Asti|AV Avellino|BA Bari|
BT Barletta-Andria-Trani|BL Belluno|BN Benevento|BG Bergamo|BI Biella|BO Bologna|BZ Bolzano|BS Brescia|BR Brindisi|
CA Cagliari|CL Caltanissetta|CB Campobasso|CE Caserta|CT Catania|CZ Catanzaro|CH Chieti|CO Como|CS Cosenza|CR Cremona|
KR Crotone|CN Cuneo|EN Enna|FM Fermo|FE Ferrara|FI Firenze|FG Foggia|FC Forlì-Cesena|FR Frosinone|GE Genova|GO Gorizia|
GR Grosseto|IM Imperia|IS Isernia|AQ L'Aquila|SP La Spezia|LT Latina|LE Lecce|LC Lecco|LI Livorno|LO Lodi|LU Lucca|
MC Macerata|MN Mantova|MS Massa-Carrara|MT Matera|ME Messina|MI Milano|MO Modena|MB Monza e Brianza|NA Napoli|NO Novara|
NU Nuoro|OR Oristano|PD Padova|PA Palermo|PR Parma|PV Pavia|PG Perugia|PU Pesaro e Urbino|PE Pescara|PC Piacenza|PI Pisa|
PT Pistoia|PN Pordenone|PZ Potenza|PO Prato|RG Ragusa|RA Ravenna|RC Reggio Calabria|RE Reggio Emilia|RI Rieti|RN Rimini|
RM Roma|RO Rovigo|SA Salerno|SS Sassari|SV Savona|SI Siena|SR Siracusa|SO Sondrio|TA Taranto|TE Teramo|TR Terni|TO Torino|
TP Trapani|TN Trento|TV Treviso|TS Trieste|UD Udine|VA Varese|VE Venezia|VB Verbano-Cusio-Ossola|VC Vercelli|VR Verona|
VV Vibo Valentia|VI Vicenza|VT Viterbo
JP: JP-01 Hokkaidō|JP-02 Aomori|JP-03 Iwate|JP-04 Miyagi|JP-05 Akita|JP-06 Yamagata|JP-07 Fukushima|JP-08 Ibaraki|JP-09 Tochigi|
JP-10 Gunma|JP-11 Saitama|JP-12 Chiba|JP-13 Tōkyō/Tokyo|JP-14 Kanagawa|JP-15 Niigata|JP-16 Toyama|JP-17 Ishikawa|
JP-18 Fukui|JP-19 Yamanashi|JP-20 Nagano|JP-21 Gifu|JP-22 Shizuoka|JP-23 Aichi|JP-24 Mie|JP-25 Shiga|JP-26 Kyōto/Kyoto|
JP-27 Ōsaka/Osaka|JP-28 Hyōgo|JP-29 Nara|JP-30 Wakayama|JP-31 Tottori|JP-32 Shimane|JP-33 Okayama|JP-34 Hiroshima|
JP-35 Yamaguchi|JP-36 Tokushima|JP-37 Kagawa|JP-38 Ehime|JP-39 Kōchi|JP-40 Fukuoka|JP-41 Saga|JP-42 Nagasaki|JP-43 Kumamoto|
JP-44 Ōita|JP-45 Miyazaki|JP-46 Kagoshima|JP-47 Okinawa
MX: AGS Aguascalientes|BC Baja California|BCS Baja California Sur|CAMP Campeche|CHIS Chiapas|CHIH Chihuahua|DF Ciudad de México|
COAH Coahuila|COL Colima|DGO Durango|GTO Guanajuato|GRO Guerrero|HGO Hidalgo|JAL Jalisco|MEX México|MICH Michoacán|
MOR Morelos|NAY Nayarit|NL Nuevo León|OAX Oaxaca|PUE Puebla|QRO Querétaro|Q_ROO Quintana Roo|SLP San Luis Potosí|
SIN Sinaloa|SON Sonora|TAB Tabasco|TAMPS Tamaulipas|TLAX Tlaxcala|VER Veracruz|YUC Yucatán|ZAC Zacatecas
NZ: AUK Auckland|BOP Bay of Plenty|CAN Canterbury|CIT Chatham Islands|GIS Gisborne|HKB Hawke's Bay|MWT Manawatu-Wanganui|
MBH Marlborough|NSN Nelson|NTL Northland|OTA Otago|STL Southland|TKI Taranaki|TAS Tasman|WKO Waikato|WGN Wellington|
WTC West Coast
US: AL Alabama|AK Alaska|AS American Samoa|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|
DC District of Columbia/Washington DC|FM Federated States of Micronesia/Micronesia|FL Florida|GA Georgia|GU Guam|HI Hawaii|
ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MH Marshall Islands|MD Maryland|
MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|
NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|ND North Dakota|MP Northern Mariana Islands|OH Ohio|OK Oklahoma|
OR Oregon|PW Palau|PA Pennsylvania|PR Puerto Rico|RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|
UT Utah|VT Vermont|VI Virgin Islands/U.S. Virgin Islands|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming|
AA Armed Forces Americas|AE Armed Forces Europe|AP Armed Forces Pacific
ZA: EC Eastern Cape|FS Free State|GP Gauteng|NL KwaZulu-Natal|LP Limpopo|MP Mpumalanga|NW North West|NC Northern Cape|
WC Western Cape
"""

_CALLING = """
1 US CA BS BB AI AG VG KY BM GD TC MS SX LC DM VC DO TT KN JM PR|20 EG|211 SS|212 MA EH|213 DZ|216 TN|218 LY|220 GM|221 SN|
222 MR|223 ML|224 GN|225 CI|226 BF|227 NE|228 TG|229 BJ|230 MU|231 LR|232 SL|233 GH|234 NG|235 TD|236 CF|237 CM|238 CV|239 ST|
240 GQ|241 GA|242 CG|243 CD|244 AO|245 GW|246 IO|247 AC|248 SC|249 SD|250 RW|251 ET|252 SO|253 DJ|254 KE|255 TZ|256 UG|257 BI|
258 MZ|260 ZM|261 MG|262 RE YT|263 ZW|264 NA|265 MW|266 LS|267 BW|268 SZ|269 KM|27 ZA|290 SH TA|291 ER|297 AW|298 FO|299 GL|
30 GR|31 NL|32 BE|33 FR|34 ES|350 GI|351 PT|352 LU|353 IE|354 IS|355 AL|356 MT|357 CY|358 FI AX|359 BG|36 HU|370 LT|371 LV|
372 EE|373 MD|374 AM|375 BY|376 AD|377 MC|378 SM|380 UA|381 RS|382 ME|383 XK|385 HR|386 SI|387 BA|389 MK|39 IT VA|40 RO|41 CH|
420 CZ|421 SK|423 LI|43 AT|44 GB GG IM JE|45 DK|46 SE|47 NO SJ|48 PL|49 DE|500 FK GS|501 BZ|502 GT|503 SV|504 HN|505 NI|506 CR|
507 PA|508 PM|509 HT|51 PE|52 MX|53 CU|54 AR|55 BR|56 CL|57 CO|58 VE|590 GP BL MF|591 BO|592 GY|593 EC|594 GF|595 PY|596 MQ|
597 SR|598 UY|599 CW BQ AN|60 MY|61 AU CX CC|62 ID|63 PH|64 NZ PN|65 SG|66 TH|670 TL|672 NF|673 BN|674 NR|675 PG|676 TO|677 SB|
678 VU|679 FJ|681 WF|682 CK|683 NU|685 WS|686 KI|687 NC|688 TV|689 PF|690 TK|7 RU KZ|81 JP|82 KR|84 VN|850 KP|852 HK|853 MO|
855 KH|856 LA|86 CN|880 BD|886 TW|90 TR|91 IN|92 PK|93 AF|94 LK|95 MM|960 MV|961 LB|962 JO|963 SY|964 IQ|965 KW|966 SA|967 YE|
968 OM|970 PS|971 AE|972 IL|973 BH|974 QA|975 BT|976 MN|977 NP|98 IR|992 TJ|993 TM|994 AZ|995 GE|996 KG|998 UZ
"""


@cache
def country_names() -> dict[str, str]:
    """Map country codes to names."""
    entries = (entry.partition(" ") for entry in _NAMES.replace("\n", "").split("|"))
    return {code: name for code, _, name in entries}


@cache
def _codes_by_name() -> dict[str, str]:
    return {name.lower(): code for code, name in country_names().items()}


def country_code(text: str) -> str | None:
    """Find a country by code or name, without regard to case."""
    wanted = text.strip()
    return wanted.upper() if wanted.upper() in country_names() else _codes_by_name().get(wanted.lower())


@cache
def zones_of(country: str) -> dict[str, str]:
    """Map the zone codes of a country to their names; empty for a country without (modelled) zones."""
    return {code: names[0] for code, names in _zone_entries(country)}


@cache
def _zone_texts() -> dict[str, str]:
    parts = re.split(r"^([A-Z]{2}): ", _ZONES.strip(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _zone_entries(country: str) -> list[tuple[str, list[str]]]:
    """List `(code, [name, other names])`; a blank inside a code is written `_` in the data."""
    entries = (entry.partition(" ") for entry in _zone_texts().get(country, "").replace("\n", "").split("|"))
    return [(code.replace("_", " "), names.split("/")) for code, _, names in entries if code]


@cache
def _zones_by_text(country: str) -> dict[str, str]:
    known: dict[str, str] = {}
    for code, names in _zone_entries(country):
        for text in (*names, code):
            known.setdefault(text.lower(), code)
    return known


def zone_code(country: str, text: str) -> str | None:
    """Find a zone of a country by code or name, without regard to case."""
    return _zones_by_text(country).get(text.strip().lower())


@cache
def calling_codes() -> dict[str, str]:
    """Map country codes to calling codes."""
    entries = (entry.split() for entry in _CALLING.replace("\n", "").split("|"))
    return {country: prefix for prefix, *countries in entries for country in countries}


@cache
def known_prefixes() -> frozenset[str]:
    """All calling codes."""
    return frozenset(calling_codes().values())
