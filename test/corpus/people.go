package corpus

// language is what a mail is written in.
type language struct {
	tag       string
	greeting  []string
	sentences []string
	closing   []string
	subjects  []string
	wrote     string // attribution of a quotation; %s is the author
}

var languages = []language{
	{
		tag: "en", greeting: []string{"Hi %s,", "Dear %s,", "Hello %s,"}, closing: []string{"Best regards,", "Cheers,", "Thanks,"},
		wrote: "%s wrote:",
		subjects: []string{
			"Minutes of the meeting", "Question about the invoice", "Lunch on Thursday?", "Release plan", "Your order has been shipped",
			"Broken build on main", "Photos from the weekend", "Travel to Lisbon", "Contract, second draft", "Weekly report",
		},
		sentences: []string{
			"thanks for the quick answer.", "I had a look at the numbers, and they seem fine to me.", "Could you send me the latest version before Friday?",
			"We moved the appointment to half past ten, the room stays the same.", "The build has been red since last night, I suspect the new parser.",
			"Please find the document attached.", "If nothing speaks against it, I would like to go ahead on Monday.", "The customer asked again whether the discount still holds.",
			"I am out of office until the 14th, in urgent cases ask Ben.", "That is a good point; let us talk about it on the phone.",
			"As far as I can see there is no dependency left on the old server.", "It would be great if you could double-check the last paragraph.",
		},
	}, {
		tag: "de", greeting: []string{"Hallo %s,", "Liebe Grüße vorab, %s,", "Sehr geehrte Damen und Herren,"}, closing: []string{"Viele Grüße", "Mit freundlichen Grüßen", "Schöne Grüße aus Köln"},
		wrote: "%s schrieb:",
		subjects: []string{
			"Protokoll der Sitzung", "Rückfrage zur Rechnung", "Mittagessen am Donnerstag?", "Urlaubsplanung für März", "Ihre Bestellung wurde verschickt",
			"Schlüsselübergabe", "Fotos vom Wochenende", "Prüfung des Vertrags", "Änderung der Öffnungszeiten", "Einladung zum Sommerfest",
		},
		sentences: []string{
			"vielen Dank für die schnelle Rückmeldung.", "Ich habe mir die Zahlen angesehen, für mich sieht das schlüssig aus.", "Könntest du mir die Fassung bis Freitag schicken?",
			"Der Termin wurde auf halb elf verschoben, der Raum bleibt gleich.", "Anbei wie besprochen die Unterlagen.", "Über die Höhe der Gebühren müssen wir noch sprechen.",
			"Wenn nichts dagegen spricht, würde ich am Montag anfangen.", "Die Prüfung läuft, größere Mängel wurden bisher nicht gefunden.",
			"Ich bin bis zum 14. nicht im Büro, in dringenden Fällen hilft Jürgen weiter.", "Das können wir gern am Telefon klären.",
		},
	}, {
		tag: "fr", greeting: []string{"Bonjour %s,", "Cher %s,"}, closing: []string{"Bien à vous,", "Cordialement,", "À bientôt,"},
		wrote:    "%s a écrit :",
		subjects: []string{"Compte rendu de la réunion", "Votre facture n° 2041", "Déjeuner jeudi ?", "Réservation d'hôtel", "Modifications à intégrer", "Où en est-on ?"},
		sentences: []string{
			"merci beaucoup pour votre réponse rapide.", "J'ai vérifié les chiffres et tout me paraît cohérent.", "Pourriez-vous m'envoyer la dernière version avant vendredi ?",
			"La réunion est décalée à dix heures et demie, même salle.", "Vous trouverez le document en pièce jointe.", "Le délai de livraison a été prolongé de deux semaines à cause de la grève.",
			"Je reste à votre disposition pour toute question.", "C'est noté, nous en reparlerons à la rentrée.",
		},
	}, {
		tag: "pl", greeting: []string{"Cześć %s,", "Szanowni Państwo,"}, closing: []string{"Pozdrawiam,", "Z poważaniem,"},
		wrote:    "%s napisał(a):",
		subjects: []string{"Pytanie o fakturę", "Zdjęcia z wycieczki", "Zmiana terminu", "Umowa najmu – poprawki", "Zaproszenie na łódkę"},
		sentences: []string{
			"dziękuję za szybką odpowiedź.", "Przejrzałem liczby i wszystko się zgadza.", "Czy możesz wysłać mi ostatnią wersję przed piątkiem?",
			"Spotkanie przesunięto na wpół do jedenastej.", "W załączniku przesyłam dokument.", "Jeśli nie ma sprzeciwu, zaczynam w poniedziałek.",
		},
	}, {
		tag: "ru", greeting: []string{"Привет, %s!", "Здравствуйте, %s!"}, closing: []string{"С уважением,", "До встречи,"},
		wrote:    "%s пишет:",
		subjects: []string{"Вопрос по счёту", "Фотографии с выходных", "Перенос встречи", "Отчёт за неделю", "Проект договора"},
		sentences: []string{
			"спасибо за быстрый ответ.", "Я посмотрел цифры, всё выглядит правильно.", "Можешь прислать последнюю версию до пятницы?",
			"Встречу перенесли на половину одиннадцатого.", "Документ во вложении.", "Если возражений нет, начнём в понедельник.",
		},
	}, {
		tag: "ja", greeting: []string{"%s様", "%sさん、こんにちは。"}, closing: []string{"よろしくお願いいたします。", "以上です。"},
		wrote:    "%s さんは書きました:",
		subjects: []string{"会議の議事録", "請求書について", "打ち合わせの日程変更", "週末の写真", "契約書の確認"},
		sentences: []string{
			"早速のご返信ありがとうございます。", "数字を確認しましたが、問題ないと思います。", "金曜日までに最新版を送っていただけますか。",
			"会議は十時半に変更になりました。", "資料を添付いたします。", "ご不明な点がございましたらお知らせください。",
		},
	}, {
		tag: "zh", greeting: []string{"%s，你好：", "尊敬的%s："}, closing: []string{"此致敬礼", "谢谢！"},
		wrote:    "%s 写道：",
		subjects: []string{"关于发票的问题", "会议纪要", "周末的照片", "合同修改稿", "您的订单已发货"},
		sentences: []string{
			"感谢您的快速回复。", "我看了一下数据，没有发现问题。", "请在星期五之前把最新版本发给我。", "会议改到十点半，地点不变。", "附件是相关文件，请查收。", "如有疑问，请随时联系我。",
		},
	}, {
		tag: "tr", greeting: []string{"Merhaba %s,", "Sayın %s,"}, closing: []string{"Saygılarımla,", "Görüşmek üzere,"},
		wrote:    "%s yazdı:",
		subjects: []string{"Fatura hakkında soru", "Toplantı tutanağı", "Hafta sonu fotoğrafları", "Sözleşme taslağı"},
		sentences: []string{
			"hızlı yanıtınız için teşekkür ederim.", "Rakamlara baktım, bana doğru görünüyor.", "Son sürümü cumaya kadar gönderebilir misiniz?",
			"Toplantı on buçuğa alındı, salon aynı.", "Belgeyi ekte bulabilirsiniz.",
		},
	},
}

// person is someone who writes mails.
type person struct {
	name, first, address string
	language             int // in languages
	zone                 int // minutes east of UTC
}

var people = []person{
	{"Ada Example", "Ada", "ada@example.com", 0, 0},
	{"Ben O'Connor", "Ben", "ben.oconnor@example.com", 0, 0},
	{"Carla Reyes", "Carla", "carla@mail.example.net", 0, -300},
	{"Jürgen Größmann", "Jürgen", "juergen.groessmann@example.de", 1, 60},
	{"Bärbel Köhler", "Bärbel", "b.koehler@verein.example.de", 1, 60},
	{"Thomas Schmidt", "Thomas", "thomas.schmidt@firma.example.de", 1, 60},
	{"Rechnungsstelle (Müller & Söhne)", "Müller", "rechnung@mueller-soehne.example.de", 1, 60},
	{"François Lefèvre", "François", "francois.lefevre@example.fr", 2, 60},
	{"Élodie Garçon", "Élodie", "elodie@example.fr", 2, 60},
	{"Paweł Wiśniewski", "Paweł", "pawel.wisniewski@example.pl", 3, 60},
	{"Łucja Dąbrowska", "Łucja", "lucja@example.pl", 3, 60},
	{"Наталья Иванова", "Наталья", "n.ivanova@example.ru", 4, 180},
	{"Дмитрий Соколов", "Дмитрий", "sokolov@example.ru", 4, 180},
	{"山田太郎", "山田", "yamada@example.jp", 5, 540},
	{"鈴木花子", "鈴木", "suzuki.hanako@example.jp", 5, 540},
	{"王小明", "王小明", "wang.xiaoming@example.cn", 6, 480},
	{"李娜", "李娜", "lina@example.cn", 6, 480},
	{"Gülşen Yılmaz", "Gülşen", "gulsen@example.com.tr", 7, 180},
	{"Example Shop", "Shop", "no-reply@shop.example.com", 0, 0},
	{"Continuous Integration", "CI", "ci@build.example.org", 0, 0},
}

// lists are mailing lists.
var lists = []struct{ name, id, address, tag string }{
	{"Parser developers", "parser-dev.lists.example.org", "parser-dev@lists.example.org", "parser-dev"},
	{"Nachbarschaft Südstadt", "suedstadt.lists.example.de", "suedstadt@lists.example.de", "Südstadt"},
}
