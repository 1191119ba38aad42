"""What announces a person in a report, by language: who signs, writes, tells, is told, is kin, and what stands behind a name."""

import re

UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶŁĻŃŅŇŌŐŘŚŞŠŢŤŪŮŰŹŻŽ"
PART = rf"[{UPPER}][^\W\d_]*(?:['’-][^\W\d_]+)*"
"""A word with a capital."""
_ENGLISH = (
    r"(?:message|voicemail|note) left (?:for|with)|(?:left|leave)(?: a| \w+)? (?:message|voicemail)(?: for| with)|(?:second |expert |outside )?opinion (?:from|of|by)|(?:double[- ]?|second[- ]|over-?|pre-?)read(?: by| with|:)?|prelim(?:inary)?(?: read| report)?(?: by|:)|consulted|consultation with|liaised with|coordinated with|(?:advice|input) (?:of|from)"
    r"|(?:clarified|arranged|planned|shared|verified|checked|rechecked|compared notes) with|(?:cleared|consented|booked|collected|held|amended|corrected|rendered|issued|presented|chaperoned|protocoll?ed|triaged|witnessed|scrubbed|recorded|photographed|positioned|scheduled|counsell?ed|accepted|advised|authored|finali[sz]ed|documented|obtained|administered|completed|overseen|conducted|carried out|qa|done|made|drawn) by"
    r"|please (?:call|ask|contact|ring|page|bleep|phone|inform|notify|copy|thank)|(?:ask|bleep|bleeped|rang|emailed|messaged|texted)|(?:return|send|forward)(?: \w+){0,2} to|(?:patient|baby|child|son|daughter|wife|husband|mother|father) of"
    r"|(?:goes|went) by|answers to|nicknamed|nickname|alias|maiden name|(?:likes|prefers|wishes|wants|asks) to be (?:called|addressed as|known as)|preferred name|formerly|previously|hello|hi|good (?:morning|afternoon|evening)|fao|made aware"
    r"|(?:registrar|anaesthetist|anaesthesiologist|physiotherapist|physio|midwife|pharmacist|dietici?an|dietitian|radiographer|porter|paramedic|secretary|clerk|scheduler|coordinator|phlebotomist|scrub|runner|navigator|case manager|social worker|health visitor|counsell?or|psychologist|optometrist|dentist|supervisor|trainee|student|intern|hygienist)s?(?:,|:)?|(?:protocol|prelim|supervision|assist|proofed|qc|qa):"
    r"|(?:e-?|electronically |digitally )?(?:signed|dictated|transcribed|typed|read|reviewed|re-?read|verified|approved|authenticated|interpreted|reported|performed|requested|ordered|referred|prepared|validated|finalized|authorized|attested|co-?signed|examined|scanned|acquired|supervised|seen|treated|injected|placed|inserted|entered|assisted)(?: out)?(?: on [\d/. -]+)?(?: by|:)"
    r"|signed|signature|s/|dictating|(?:attending|resident|fellow|radiologist|technologist|sonographer|operator|surgeon|assistant|anesthesiologist|physician|provider|consultant|clinician|reader|author|referrer|doctor|nurse|technician|pathologist|cardiologist|neurologist|urologist|oncologist|internist|hospitalist|pcp|gp)(?:s?:|,| on call,?)?"
    r"|discussed (?:\w+ ){0,4}?with|discussion with|(?:communicated|relayed|conveyed|reported|given|telephoned|phoned|called|faxed|sent|read|provided|transmitted|e-?mailed|paged|reported|shown|handed|texted|delivered)(?: \w+){0,4}? to|(?:notified|informed|alerted|contacted|paged|telephoned|phoned|called|told|thank(?: you)?|thanks|asked|advised|updated)|(?:spoke|spoken|conferred|consulted|conversation|correlated|reviewed|agreed|confirmed|met|call)(?: \w+){0,3}? (?:with|to)"
    r"|(?:best|cheers|thanks|cordially|warmly|respectfully)(?=,)|signed off(?: by)?|sgd|sig|rad(?:s)?[.:]|tech[.:]|typist|scribe|cosigner|co-?signer|countersigned(?: by)?|initial(?:l)?ed(?: by)?|addendum by|witness(?:ed by)?|interpreter|translator|chaperone|escorted by|emergency contact|next-of-kin|nok|relative"
    r"|(?:yours |very )?(?:sincerely|truly|faithfully|respectfully)(?: yours| submitted)?|(?:kind |best |warm )?(?:regards|wishes)|(?:telephone |phone )?(?:conversation|call|discussion) with|via|from:|to:|attending:|(?:first|second|primary) reader|reader \d|handed over to|handover to|escalated to|acknowledged(?: by)?|read back(?: by)?|received by|confirmed by|repeated by|taken by|checked by|edited by|added by|submitted by|written by|carried out by|assessed by"
    r"|cc|copy(?: sent)? to|attn|attention|dear|c/o|at the request of|courtesy of|per|according to|on behalf of|under the care of|care of|contact|aware|accompanied by|brought (?:in )?by"
    r"|(?:wife|husband|spouse|mother|father|mom|dad|son|daughter|brother|sister|aunt|uncle|grandmother|grandfather|partner|guardian|caregiver|carer|next of kin|friend|neighbou?r|cousin|niece|nephew)(?:,|:| is| called| named)?"
    r"|(?:patient|pt|subject|client|infant|baby|child|boy|girl|man|woman|lady|gentleman)(?:,|:| is| called| named|'s name is)?|named|known as|a\.?k\.?a\.?|né?e|name(?: is|:)|surname|initials|by"
)
_GERMAN = (
    r"(?:in behandlung|behandlung|termin|vorstellung|kontrolle|verlaufskontrolle|wiedervorstellung|anmeldung|rückfrage|nachfrage|anruf|demonstriert|einwilligung|einverständnis|mitbehandlung|weiterbehandlung|nachsorge|sprechstunde|patient(?:in)?|betreuung|vorgestellt|angemeldet|bekannt|hinterlegt|konsil) (?:bei|durch|von)|(?:anruf|rückruf|zuruf|bitte|nachricht|hinweis|bericht|befund|anforderung|zuweisung|überweisung|anmeldung|meldung|mitteilung|durchsage|weitergabe|information) (?:von|durch|an)"
    r"|(?:freigabe|freigegeben|korrektur|korrigiert|geprüft|prüfung|nachtrag|ergänzt|ergänzung|zweitbefund|zweitmeinung|zweitbeurteilung|einschätzung|beurteilung|punktion|aufklärung|aufgeklärt|durchgegeben|begleitet|supervision|dokumentation|durchführung|vorgestellt|angelegt|gelegt|gestochen|assistiert|narkose|vertretung|leitung|aufnahme|protokoll|lagerung|anlage|implantation|verordnet|veranlasst|empfohlen|einbestellt|bestellt|gemeldet|bestätigt|festgelegt|erhoben|übersetzt|gedolmetscht|festgehalten|eingeholt|ausgeführt|vorgenommen|gesichtet|unterzeichnet|abgenommen|entnommen|geleitet) (?:von|durch|an)"
    r"|(?:freigabe|diktat|diktierend(?:er|e)?|vorabbefund|vorläufiger befund|abschließende diagnose|durchführung|supervision|instrumentierend(?:er|e)?|anästhesie|aufklärung|bezugspflege|pflegedienst|angerufen|geprüft|korrektur|gesehen|nachtrag|protokoll|schriftführung|übersetzung|leitung|rufname|notfallkontakt|angehörige[rn]?|team|visite|dienst|vertretung|assistenz|unterzeichner(?:in)?|zweitbefunder(?:in)?|auftraggeber(?:in)?|gegenlesung|vordergrunddienst|hintergrunddienst|diensthabend(?:er|e)?):"
    r"|auf (?:veranlassung|anregung|bitte|empfehlung|anordnung|anweisung|rat|nachfrage)(?: von| durch)?|(?:nach|lt\.) angaben?(?: von)?|lt\.|gemäß|r[/.]?s(?: mit)?|diensthabend(?:er|e|em|en)|hebamme|physiotherapeut(?:in)?|ergotherapeut(?:in)?|logopäd(?:e|in)|apotheker(?:in)?|pflegekraft|pflegerin|sekretär(?:in)?|assistent(?:in)?|student(?:in)?|famulant(?:in)?|praktikant(?:in)?|zwilling|zweitbefunder(?:in)?|rufname|spitzname|alias|vormals|hört auf(?: den namen)?"
    r"|in (?:begleitung|vertretung|absprache|rücksprache)(?: mit| von)?|(?:hallo|guten tag|guten morgen|servus|grüß gott)|(?:danke|dank|gruß|grüße)(?=[, ]+(?-i:[A-ZÄÖÜ])[\w.]+(?: [\w.]+)?$)|bei fragen|nachbar|(?:ihr|sein|dem|der) mann|lebenspartner(?:in)?|verlobte[rn]?|schwager|schwägerin|schwiegersohn|schwiegertochter|schwiegermutter|schwiegervater|enkel|cousin|cousine|patenkind|pflegemutter|pflegevater|betreuungsperson|bezugsperson|vermieter(?:in)?"
    r"|gez\.?|gezeichnet|(?:elektronisch |digital )?(?:unterschrieben|signiert|unterzeichnet)(?: von| durch|:)?|unterschrift|i\.\s?[AV]\.|(?:telefonische |tel\. |persönliche )?rücksprache (?:\w+ ){0,3}?mit|(?:telefonisch |tel\. |persönlich |heute |mündlich )?(?:besprochen|abgesprochen|erörtert|diskutiert|demonstriert)(?: \w+){0,2}? mit|(?:mit|an|von|durch)"
    r"|laut|gegenüber|im beisein(?: von)?|in anwesenheit(?: von)?|im auftrag(?: von)?|auf wunsch(?: von)?|unter (?:anleitung|aufsicht|leitung)(?: von)?|anästhesist(?:in)?|autor(?:in)?|absender(?:in)?|empfänger(?:in)?|adressat|kontakt(?:person)?|rückruf(?: an)?|rückfragen(?: an| bei)?|abgezeichnet|paraphiert|handzeichen|hz|freig\.|korr\.|sign\.|unterz\.|bef\.|verantw\."
    r"|freundlichst|herzlichst|(?:viele|beste[nr]?|herzliche[nr]?|liebe) grüße|(?-i:LG|VG|BG|HG)(?=,|\n| (?-i:[A-ZÄÖÜ]))|(?:lg|vg)(?=,|\n)|ihre?(?=\s+[A-ZÄÖÜ]\w+ [A-ZÄÖÜ]\w+$)|(?:gemeinschafts|haus)?(?:arzt)?praxis"
    r"|dikt\.?|vis\.?|diktatzeichen|kürzel|schreibdienst|sekretariat|sachbearbeiter(?:in)?|ansprechpartner(?:in)?|zeuge|zeugin|dolmetscher(?:in)?|begleitperson|(?:telefonat|gespräch|telefonkontakt|absprache|abstimmung|besprechung) mit|weitergegeben an|weitergeleitet an|gemeldet an|gefaxt an|übergeben an|übergabe an|bescheid(?: gegeben)? an|angerufen(?: bei)?|rückgemeldet|zur kenntnis|z\.\s?k\.|bestätigt(?: von| durch)?|erfasst(?: von| durch)?|eingetragen von|aufgenommen von|angefertigt von|entgegengenommen von|beurteilt von|ausgewertet von|gesehen von|gegengezeichnet|gegengelesen(?: von)?|gesprochen mit|nachgefragt bei|liebe[r]?|verteiler|nachrichtlich|kopie an|cc|von:|an:"
    r"|mitgeteilt|übermittelt|informiert|verständigt|benachrichtigt|(?:befundet|diktiert|vidiert|validiert|freigegeben|geschrieben|erstellt|durchgeführt|untersucht|überwiesen|zugewiesen|angefordert|begutachtet|gelesen|kontrolliert|supervidiert|verfasst|operiert|behandelt|betreut|dokumentiert|visitiert)(?: von| durch|:| am [\d.]+ von)?"
    r"|(?:befunder|befunderin|befundender arzt|arzt|ärztin|radiologe|radiologin|überweiser|zuweiser|überweisender arzt|anforderer|untersucher|untersucherin|operateur|operateurin|assistenz|mtra|mtr|mta|hausarzt|hausärztin|kollegen?|kollegin|stationsarzt|dienstarzt|facharzt|fachärztin|verfasser|schreibkraft|betreuer|betreuerin)(?:,|:)?"
    r"|(?:ehefrau|ehemann|ehegatte|mutter|vater|sohn|tochter|bruder|schwester|tante|onkel|großmutter|großvater|oma|opa|lebensgefährtin?|lebensgefährte|partnerin?|enkelin?|nichte|neffe|nachbarin?|freundin?)(?:,|:)?|(?:patient|patientin|pat|kind|herrn?|frau|name|nachname|vorname)(?:\.|,|:)?|namens|genannt|geborene|geb\.|z\.\s?hd\.?(?: v\.| von)?|sehr geehrte[r]?|(?:mit )?(?:freundlichen?|besten?|herzlichen?|vielen?|lieben?|kollegialen?) grüßen?|mfg|hochachtungsvoll|verantwortlich"
)
_SPANISH = (
    r"(?:mecanografía|(?:segunda |primera |doble )?lectura(?: preliminar| definitiva| final)?|anestesia|consentimiento|testigos|enfermería|transcripción|supervisión|protocolo|revisión|validación|firmante|operadora?|médico de cabecera|map|tutora? legal|coordinación|informe preliminar|adenda|remitente|traducción|ayudantes|instrumentación|autoría|visado|visto):"
    r"|hablé con|he hablado con|se (?:consulta|consultó|habla|habló|avisa|avisó|comenta|comentó|informa|informó|entrega|entregó|llama|llamó|pregunta|preguntó) (?:\w+ ){0,2}(?:al?|con)|consultad[oa](?: a| con)?|avisad[oa]s?|(?:transmitid|comunicad|remitid|enviad|entregad|dirigid|derivad)[oa]s? al?|(?:recado|mensaje|nota|aviso)(?: dejad[oa])? (?:a|para|de)|a instancias de|por (?:indicación|consejo|recomendación|orden|encargo|petición|deseo) de"
    r"|(?:segunda )?(?:opinión|valoración|criterio) de|en tratamiento (?:con|por)|seguid[oa] por|seguimiento por|acude con|viene con|traíd[oa] por|le (?:llaman|llamen|dicen|conocen por|decimos)|(?:que le|se hace) (?:llamen|llamar|digan)|hacerse llamar|conocid[oa] como|conocid[oa] por|responde al nombre de|alias|de soltera|de casada|antes(?= [A-ZÁÉÍÓÚÑ]\w+$)|hola|buen[oa]s (?:días|tardes|noches)|gracias(?=,)|hij[oa] de|esposa de|mujer de|viuda de|madre de|rn de|caso de|paciente de"
    r"|matron[ao]|fisioterapeuta|farmacéutic[oa]|celadora?|logopeda|psicólog[oa]|trabajadora? social|coordinadora?|supervisora?|jef[ea] de \w+|operadora?|recién nacid[oa]|gemel[oa]|mellizo|cuñad[oa]|suegr[oa]|yerno|nuera|prim[oa]|novi[oa]|compañer[oa] de piso|ahijad[oa]|padrino|madrina|portavoz|r[1-5](?= [A-ZÁÉÍÓÚÑ])|adenda de|(?:llamar|preguntar|devolver|remitir|enviar|avisar|informar|dirigirse|llamada|relevo|traslado|entrega)(?: \w+){0,3}? (?:al?|por)"
    r"|(?:practicad|validad|presentad|corregid|añadid|anotad|completad|comprobad|ampliad|indicad|tomad|obtenid|entregad|traducid|acompañad|asistid|ayudad|anestesiad|colocad|recogid|grabad|recibid|avisad|trasladad|autorizad|pautad|prescrit|explicad|emitid|hech|escrit|vist|leíd|firmad|informad|realizad|revisad|solicitad|valorad|atendid|dictad)[oa]s? por|firma digital(?: de)?"
    r"|(?:informa|realiza|valida|dicta|revisa|solicita|interpreta|transcribe|supervisa|aprueba|explora|opera|asiste|remite):|(?:responsable|encargad[oa]|autor[a]?) de(?:l| la)? \w+:|cordialmente|afectuosamente|un abrazo|atte\.?"
    r"|según|a cargo de|a petición de|en presencia de|dirigido a|junto (?:a|con)|supervisión de|a nombre de|en nombre de|contacto(?: con)?|al habla con|de acuerdo con|presentes?|ayudante|instrumentista|anestesista|anestesiólog[oa]|autor[a]?|remite|remitente|destinatario|resp\.|dpto\.|col\.|n\.º col\."
    r"|(?:un |cordiales? )?saludos?(?: cordiales?)?|v\.?º\s?b\.?º|visto bueno|de parte de|(?:conversación|llamada|conversado|acordado|consenso)(?: telefónica)?(?: \w+)? (?:con|a)|acompañad[oa] (?:por|de)|intérprete|testigo|enterad[oa]|conforme|redactor[a]?|transcriptora?|secretari[oa]|(?:se )?avisa a|confirmado por|recibido por|anotado por|escrito por|hecho por|tomado por|emitido por|visto por|leída por|entregado a|copia a|contacto|rubricado(?: por)?|suscrito(?: por)?|responsable|queridos?|querida|de:|para:"
    r"|firmado(?: por| digitalmente(?: por)?| electrónicamente(?: por)?)?|firma(?: de| del)?|fdo|atentamente|(?:comentado|discutido|consensuado|consultado|hablado|revisado|valorado|contactado|comentada|discutida)s?(?: \w+){0,3}? con|(?:se )?(?:comunic[aóo]|comunicado|comunicados|avisado|notificado|notific[aó]|inform[aó]|transmitido|entregado|enviado|avis[aóo]|llam[aó]|telefone[aó]|coment[aó]|comenta|habl[aóo])(?: \w+){0,4}? (?:al?|con)"
    r"|(?:informado|dictado|validado|revisado|realizado|solicitado|remitido|derivado|transcrito|leído|interpretado|elaborado|supervisado|redactado|aprobado|atendido|operado|valorado|pedido|enviado|intervenido|explorado)(?: por|:)"
    r"|(?:médic[oa](?: responsable| solicitante| remitente| peticionari[oa]| informante| de guardia| de familia)?|radiólog[oa]|técnic[oa]|enfermer[oa]|cirujan[oa]|residente|adjunt[oa]|facultativ[oa]|doctora?|compañer[oa]|peticionario|solicitante|informante|mir|tsid|ter|especialista|auxiliar)(?:,|:)?"
    r"|(?:paciente|esposa|esposo|marido|mujer|madre|padre|hij[oa]|herman[oa]|abuel[oa]|tí[oa]|cuidador[a]?|familiar|sobrin[oa]|niet[oa]|niñ[oa]|bebé|pareja|vecin[oa]|amig[oa]|nombre|apellidos?|tutora?)(?:,|:| es)?|llamad[oa]|apodad[oa]|de nombre|se llama|estimad[oa]|a la atención de|a/a|por|colegiado"
)
CUES = re.compile(rf"(?<!\w)(?:{_ENGLISH}|{_GERMAN}|{_SPANISH})(?!\w)", re.IGNORECASE)
"""What stands before a name, whatever the text's own language."""
ROLE_BEHIND = re.compile(
    rf"(?<![\w-])({PART})(?:,|\s\(|\s[-–/])\s*(?:the |der |die |el |la |our |on[- ]call )?(?:(?:duty|senior|junior|chief|consultant|attending|staff|primary|diensthabende[rn]?|leitende[rn]?|zuständige[rn]?|médic[oa]|enfermer[oa]|técnic[oa]) )?"
    r"(?:radiologist|attending|resident|nurse|physician|surgeon|consultant|registrar|fellow|sonographer|technologist|radiographer|practitioner|midwife|technician|pathologist|cardiologist|oncologist|neurologist|physiotherapist"
    r"|Assistenzarzt|Assistenzärztin|Oberarzt|Oberärztin|Facharzt|Fachärztin|Chefarzt|Chefärztin|Stationsarzt|Stationsärztin|Hausarzt|Hausärztin|Radiologe|Radiologin|Chirurg|Chirurgin|MTRA|MTR|MTA|OA|OÄ|AA|CA|FA|Ärztin|Arzt|Pfleger|Krankenschwester|Pflegefachkraft|Hebamme|PJ"
    r"|adjunt[oa]|residente|radiólog[oa]|enfermer[oa]|técnic[oa]|cirujan[oa]|facultativ[oa]|MIR|R[1-5]|TSID|DUE|jefe|jefa|médic[oa]|matrona|celador|fisioterapeuta)\b"
)
VERB_BEHIND = re.compile(
    rf"(?<![\w-])(?!Se\b)({PART}) (?:has been |had been |has |had |hat |ha sido |fue |ha |wurde |was |is |ist |está )?(?:by (?:phone|telephone) |directly |personally |verbally |telefonisch |tel\. |mündlich |persönlich |heute |umgehend |sofort |telefónicamente )?(?:signed|dictated|transcribed|reviewed|reported|notified|informed|paged|verified|scanned|concurs|aware|made aware|contacted|alerted|phoned|telephoned|bleeped|in kenntnis|angerufen|erreicht|genannt|gerufen|befundet|diktiert|vidiert|unterschrieben|informiert|verständigt|benachrichtigt|gegengelesen"
    r"|firma|firmó|firmado|dictó|dictado|informa|informó|revisó|revisado|validó|validado|avisad[oa]|realizó|informad[oa]|enterad[oa]|notificad[oa]|contactad[oa]|localizad[oa]|al tanto|al corriente)\b"
)
"""What announces a person from behind."""
BROAD = re.compile(
    r"(?i)(?:(?:in behandlung|behandlung|termin|vorstellung|kontrolle|verlaufskontrolle|bekannt|nachsorge|sprechstunde|anmeldung|patient(?:in)?|konsil) (?:bei|durch|von)|(?:aufnahme|beurteilung|befund|bericht|information|meldung|bestätigt|gelegt|angelegt|lagerung|anlage|implantation|punktion|protokoll|ergänzt|ergänzung|leitung|gesichtet|entnommen|dokumentation|durchführung|erhoben|festgelegt|empfohlen|korrektur|bitte|hinweis|patient(?:in)?) (?:von|durch|an)|gemäß|prelim(?:inary)?(?: read| report)?:|formerly|previously|(?:vorläufiger befund|abschließende diagnose|vorabbefund|anästhesie|aufklärung|team|visite|dienst|protokoll|diktat|nachtrag|assistenz|leitung|übersetzung|protocol|anestesia|consentimiento|protocolo|revisión|enfermería|coordinación|informe preliminar|adenda|visto):|(?:opinión|valoración|criterio) de|en tratamiento (?:con|por)|antes|caso de|(?:ask|return|student|scrub|runner|intern|clerk|secretary|porter|trainee)|team:?|(?:held|made|done|drawn|obtained|completed|administered|accepted|cleared) by|(?:tomad|obtenid|colocad|recogid|completad|comprobad|ampliad|indicad|explicad|emitid|hech|acompañad|asistid)[oa]s? por|gegenüber|kontakt|según|contacto|presentes?|by|per|mit|an|von|durch|por|cc|aware|contact|according to|read|seen|treated|placed|entered|injected|performed|requested|reported|given|sent|called|told|asked|arzt|kollegen?|name"
    r"|(?:patient|pt|subject|client|infant|baby|child|boy|girl|man|woman|lady|gentleman|patientin|pat|kind|paciente|niñ[oa]|bebé|familiar|mujer|herrn?|frau).?(?: is)?|firma del?|técnic[oa]|médic[oa]|operator|reader|assistant|fellow|resident|friend|partner)"
)
"""Cues that announce other things as often as people: then only what is like a name counts."""
ROLE = re.compile(
    r"(?i)(?:cc|by|von|an|por|de|arzt|ärztin|kolleg|técnic|médic|operator|reader|assistant|fellow|resident|requested|reported|performed|injected|placed|read)"
)
"""Of the broad ones those that announce nobody but people where a colon stands behind them."""
STRONG = re.compile(
    r"(?i)(?:dear|liebe|querid|estimad|sehr geehrt|.*(?:regards|sincerely|faithfully|respectfully|cordially|grüßen?)$|best$|cheers|freundlichst|herzlichst|cordialmente|afectuosamente|un abrazo|atte|mfg|hochachtungsvoll|atentamente|.*saludos?|z\.\s?hd|i\.\s?[av]|im auftrag|on behalf|en nombre|named|namens|genannt|geborene|se llama|de nombre|known as"
    r"|witness|zeug|testigo|interpreter|dolmetscher|intérprete|sign|dictat|gez|unterschr|firm|fdo|befunder|diktiert|vidiert|transcri|initials|dictad|validad|approved|read by|verif)"
)
SIGNED = re.compile(
    r"(?i)(?:(?:e-?|electronically |digitally )?(?:co-?)?signed(?: by)?|e-?signed|(?:dictated|transcribed|typed|authenticated|attested|countersigned)(?: by)?|dear|.*(?:regards|sincerely|faithfully|respectfully|wishes)|on behalf of|a\.?k\.?a\.?|née|alias|nicknamed"
    r"|gez\.?|gezeichnet|(?:elektronisch |digital )?(?:unterschrieben|signiert|unterzeichnet)(?: von| durch)?|(?:diktiert|vidiert|geschrieben) (?:von|durch)|(?-i:i\.\s?[AV]\.)|z\.\s?hd\.?(?: v\.| von)?|mfg|[lv]g|danke?|gruß|.*grüßen?|hochachtungsvoll|sehr geehrte[r]?|liebe[r]?|namens|geborene|befunder(?:in)?"
    r"|firmado.*|fdo|rubricado(?: por)?|suscrito(?: por)?|(?:dictado|transcrito) por|atentamente|.*saludos?(?: cordiales?)?|estimad[oa]|querid[oa]|se llama|apodad[oa]|en nombre de|a la atención de)"
)
"""Of the strong ones those behind which a capital is nothing but somebody's, even of a word of reports: `Signed by Hand`."""
ROLE_ENDING = re.compile(
    r"(?:schwester|arzt|arztes|ärzte|ärzten|ärztin|ärztinnen|pfleger|pflegerin|dienst|dienstes|ambulanz|station|klinik|zentrale?|leitung|team|teams|assistent(?:in|en)?|zentrum|praxis|sekretariat|therapeut(?:in|en)?|beauftragte[rn]?|psychologe|psychologin|konferenz|weiser[ns]?|personal|heime?s?|apotheke|gericht|kraft|bogen|amt|behörde|kasse|stelle|büro|archiv|labor|gespräch|sprechstunde"
    r"|[óo]log[oa]s?|ologists?|olog(?:e|en|in|innen)|icians?|iatrist?s?|iatr(?:a|as)|grafos?|terapeutas?|ists)$",
    re.IGNORECASE,
)
"""How words end that say what somebody is, not who."""
TOLD = re.compile(
    rf"(?<![\w-])(?<!the )(?<!The )(?<!der )(?<!die )(?<!Die )(?<!Der )({PART})(?:,? [{UPPER}]\.?)?,? (?:has been |had been |was |were |is |wurde |ist |fue |ha sido |está )?(?:(?:also |then )?made )?(?:telefonisch |tel\. |mündlich |persönlich |heute |umgehend |sofort |directly |personally |telefónicamente |by phone )?"
    r"(?:(?<!\w)(?:informed|notified|aware|alerted|informiert|verständigt|benachrichtigt|in Kenntnis|genannt|gerufen|avisad[oa]|informad[oa]|enterad[oa]|notificad[oa]|al tanto|al corriente))\b"
)
"""What only somebody can be, behind a name."""
_TELLS = r"(?:klargestellt|gesagt|sagt|sagte|berichtet|berichtete|erklärt|erklärte|erwähnt|bestätigt|angegeben|angibt|angab|meint|meinte|schildert|schilderte|gewünscht|wünscht|weiß|vermerkt|betont|vereinbart)"
PASSED_ON = tuple(
    re.compile(
        rf"(?<![\w-])(?i:{before}) ({PART})(?:,? (?:{PART}|[{UPPER}]\.))?(?:,? [a-zäöüßáéíóúñ.]+){{0,{between}}},? (?i:{behind})\b"
    )
    for before, between, behind in (
        (
            "mit",
            3,
            "besprochen|abgesprochen|diskutiert|vereinbart|erörtert|telefoniert|gesprochen|abgestimmt|geklärt|beraten|demonstriert|rücksprache",
        ),
        (
            "an",
            3,
            "übermittelt|durchgegeben|weitergegeben|weitergeleitet|gefaxt|gemailt|geschickt|gesendet|versandt|mitgeteilt|gemeldet|übergeben|abgegeben|berichtet",
        ),
        ("bei", 3, "eingeholt|vorgestellt|angemeldet|angefragt|nachgefragt|erfragt|gemeldet"),
        (
            "durch|von",
            3,
            "durchgeführt|operiert|untersucht|behandelt|betreut|gesehen|befundet|begleitet|gefunden|informiert|aufgeklärt|überwiesen|eingewiesen|angefordert|geschrieben|diktiert|überbracht|gebracht|angerufen|gerufen|abgeholt|vorgelegt|punktiert|assistiert|abgenommen|übersetzt|freigegeben|gegengelesen",
        ),
        (
            "bitte",
            2,
            "anrufen|verständigen|informieren|kontaktieren|benachrichtigen|zurückrufen|rückrufen|fragen|ausrichten",
        ),
        ("wie|so|dass|da|weil|was", 5, _TELLS),
        (
            "as|like|what|that",
            1,
            "said|says|noted|stated|mentioned|suggested|advised|requested|explained|confirmed|agreed|wanted|asked|reports|reported|told",
        ),
        (
            "como|según|que|lo que",
            0,
            "indic[aóo]|dijo|dice|refiere|refirió|coment[aó]|explic[aó]|pidió|solicit[aó]|advirtió|señal[aó]|sugirió|confirm[aó]|informó",
        ),
    )
)
"""What people do to or with somebody, on both sides of the name."""
VERB_BEFORE = (
    re.compile(
        rf"(?i:según|como|que) (?:(?:ya|me|nos|lo|le|ha|han) )*(?i:indic\w+|dij\w+|dice|refier\w+|refiri\w+|coment\w+|explic\w+|pid\w+|solicit\w+|advirti\w+|señal\w+|sugiri\w+|sugier\w+|confirm\w+|inform\w+|acord\w+) ({PART})"
    ),
    re.compile(
        rf"(?i:lectura|informe|nota|adenda|turno|consulta|visto bueno|sello|firma|opinión|criterio|llegada|mensaje|carta|volante|petición|indicación|casa|busca|cupo|lista)(?: preliminar| previo| previa| definitivo| telefónica| escrita)?(?: (?:de|del|a))? ({PART})(?= [a-záéíóúñ(]|[.,;):]|$)"
    ),
    re.compile(
        rf"(?<![\w-])(?i:llam\w+|avis\w+|comunic\w+|pregunt\w+|remit\w+|deriv\w+|entreg\w+|dirig\w+|transmit\w+|traslad\w+)(?: [a-záéíóúñ]+){{0,2}} a ({PART})(?= [a-záéíóúñ(]|[.,;):]|$)"
    ),
    re.compile(
        rf"(?:^|[.\n;] ?)({PART}) (?:telefonisch |persönlich |mündlich |kurz )?(?:mitgeteilt|übermittelt|angerufen|angefunkt|erreicht|kontaktiert)(?=[,.;]|$| (?:und|dass|um|worden))"
    ),
    re.compile(
        rf"(?:^|[.\n;] ?)({PART}) (?:weiß Bescheid|wünscht|möchte|bittet|ruft (?:zurück|an)|meldet sich|übernimmt|knows|will call|to call|called back|answered|agrees|concurs|agreed)\b"
    ),
    re.compile(rf"({PART}) ?/ ?[a-z]{{2,3}}\.?\s*$"),
)
"""Other places of a name that only people fill: behind what somebody says in Spanish, before what somebody was told in German,
before a typist's letters."""
WITH_SOMEBODY = re.compile(
    rf"(?:(?:(?<=[a-záéíóúñ,] )(?:with|by|per|from|w/|con|por|según|para)|(?<![\w.-])(?:By|Per|Con|Por|Según|Para|With)) ({PART})(?= [a-záéíóúñ(]|[.,;)]|$)(?! [a-z]+ (?:sign|test)))"
)
"""A preposition before a capital within a sentence, in a language whose nouns have none."""
CLOSING = re.compile(rf"(?:[.!?)]|\n|^)\s*[-–—~]{{1,2}}\s?({PART})(?: (?:{PART}|[{UPPER}]\.))?[.]?\s*$")
"""A dash and a name, at the end."""
