package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// showKey is a key in prefix notation.
func showKey(k SearchKey) string {
	names := map[SearchOp]string{
		OpAnd: "and", OpOr: "or", OpNot: "not", OpAll: "all", OpSeqs: "seqs", OpUIDs: "uids", OpFlag: "flag", OpKeyword: "keyword",
		OpRecent: "recent", OpHeader: "header", OpBody: "body", OpText: "text", OpLarger: "larger", OpSmaller: "smaller",
		OpBefore: "before", OpOn: "on", OpSince: "since", OpSentBefore: "sentbefore", OpSentOn: "senton", OpSentSince: "sentsince",
		OpSavedBefore: "savedbefore", OpSavedOn: "savedon", OpSavedSince: "savedsince", OpSaveDateSupported: "savedates",
		OpOlder: "older", OpYounger: "younger", OpModSeq: "modseq", OpEmailID: "emailid", OpThreadID: "threadid",
	}
	out := names[k.Op]
	switch k.Op {
	case OpAnd, OpOr, OpNot:
		var parts []string
		for _, sub := range k.Keys {
			parts = append(parts, showKey(sub))
		}
		return out + "(" + strings.Join(parts, " ") + ")"
	case OpSeqs, OpUIDs:
		return out + ":" + k.Set.String()
	case OpFlag, OpKeyword, OpEmailID, OpThreadID:
		return out + ":" + k.Field
	case OpHeader:
		return fmt.Sprintf("%s:%s:%q", out, k.Field, k.Str)
	case OpBody, OpText:
		return fmt.Sprintf("%s:%q", out, k.Str)
	case OpLarger, OpSmaller, OpOlder, OpYounger, OpModSeq:
		return fmt.Sprintf("%s:%d", out, k.Num)
	case OpBefore, OpOn, OpSince, OpSentBefore, OpSentOn, OpSentSince, OpSavedBefore, OpSavedOn, OpSavedSince:
		return out + ":" + time.Unix(k.Day*86400, 0).UTC().Format(time.DateOnly)
	}
	return out
}

func showSearch(s Search) string {
	out := ""
	if s.HasReturn {
		out = fmt.Sprintf("return %06b ", s.Return)
	}
	if s.Return&SearchPartial != 0 {
		out += s.Partial.String() + " "
	}
	if s.Charset != "" {
		out += s.Charset + " "
	}
	if s.ModSeq {
		out += "+modseq "
	}
	return out + strings.TrimSuffix(strings.TrimPrefix(showKey(s.Key), "and("), ")")
}

func TestParseSearch(t *testing.T) {
	checkParse(t, "SEARCH", ParseSearch, showSearch, []parseCase{
		{" ALL", "all"},
		{" 1:*,5 $", "seqs:1:*,5 seqs:$"},
		{" UID 1:*", "uids:1:*"},
		{" UID $", "uids:$"},
		{" answered deleted draft flagged seen recent", `flag:\Answered flag:\Deleted flag:\Draft flag:\Flagged flag:\Seen recent`},
		{" UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN OLD",
			`not(flag:\Answered) not(flag:\Deleted) not(flag:\Draft) not(flag:\Flagged) not(flag:\Seen) not(recent)`},
		{" NEW", `and(recent not(flag:\Seen))`},
		{" KEYWORD $Junk UNKEYWORD b", `keyword:$Junk not(keyword:b)`},
		{` FROM a TO "b c" CC {1}` + "\r\nd BCC e SUBJECT f", `header:FROM:"a" header:TO:"b c" header:CC:"d" header:BCC:"e" header:SUBJECT:"f"`},
		{` HEADER x-Y "" HEADER {1}` + "\r\na b", `header:X-Y:"" header:A:"b"`},
		{` BODY x TEXT y`, `body:"x" text:"y"`},
		{` LARGER 0 SMALLER 9223372036854775807`, `larger:0 smaller:9223372036854775807`},
		{` BEFORE 1-Feb-1994 ON "02-feb-1994" SINCE 31-DEC-2024`, `before:1994-02-01 on:1994-02-02 since:2024-12-31`},
		{` SENTBEFORE 1-Feb-1994 SENTON 1-Feb-1994 SENTSINCE 1-Feb-1969`, `sentbefore:1994-02-01 senton:1994-02-01 sentsince:1969-02-01`},
		{` SAVEDBEFORE 1-Feb-1994 SAVEDON 1-Feb-1994 SAVEDSINCE 1-Feb-1994 SAVEDATESUPPORTED`, `savedbefore:1994-02-01 savedon:1994-02-01 savedsince:1994-02-01 savedates`},
		{` OLDER 60 YOUNGER 3600`, `older:60 younger:3600`},
		{` MODSEQ 620162338`, `+modseq modseq:620162338`},
		{` NOT MODSEQ "/flags/\\draft" all 0`, `+modseq not(modseq:0)`},
		{` EMAILID M6d99ac3275bb4e THREADID T64b478a75b7ea9`, `emailid:M6d99ac3275bb4e threadid:T64b478a75b7ea9`},
		{` NOT SEEN`, `not(flag:\Seen)`},
		{` NOT NOT (1 2)`, `not(not(and(seqs:1 seqs:2)))`},
		{` OR SEEN OR DELETED 3`, `or(flag:\Seen or(flag:\Deleted seqs:3))`},
		{` OR (FROM a TO b) (UNSEEN)`, `or(and(header:FROM:"a" header:TO:"b") and(not(flag:\Seen)))`},
		{" CHARSET utf-8 TEXT {2}\r\n\xc3\xa4", `UTF-8 text:"ä"`},
		{` CHARSET "iso-8859-1" ALL`, `ISO-8859-1 all`},
		{` RETURN () ALL`, `return 000100 all`},
		{` RETURN (MIN MAX ALL COUNT SAVE) CHARSET UTF-8 ALL`, `return 011111 UTF-8 all`},
		{` return (save) 1`, `return 010000 seqs:1`},
		{` RETURN (PARTIAL -1:-100 COUNT) ALL`, `return 101000 -1:-100 all`},
		{` RETURN (PARTIAL 1:-5) ALL`, `!expected two positions of the same sign at octet 25`},
		{` RETURN (PARTIAL 0:5) ALL`, `!expected a number of 32 bits above zero at octet 25`},
		{` RETURN (FOO) ALL`, `!expected a result option of SEARCH at octet 17`},
		{` RETURN (MIN MIN) ALL`, `!expected a result option of SEARCH at octet 21`},
		{` RETURN (MIN)`, `!expected a space at octet 21`},
		{``, `!expected a space at octet 8`},
		{` `, `!expected a search key at octet 9`},
		{` ()`, `!expected a search key at octet 10`},
		{` (ALL`, `!expected a space or ) at octet 13`},
		{` ALL )`, `!expected a search key at octet 13`},
		{` FOO`, `!expected a search key at octet 9`},
		{` NOT`, `!expected a space at octet 12`},
		{` OR ALL`, `!expected a space at octet 15`},
		{` FROM`, `!expected a space at octet 13`},
		{` HEADER "" x`, `!expected a header field's name at octet 16`},
		{` KEYWORD \Seen`, `!expected an atom at octet 17`},
		{` LARGER -1`, `!expected a number of 63 bits at octet 16`},
		{` OLDER 0`, `!expected a number of 32 bits above zero at octet 15`},
		{` ON 1-Foo-1994`, `!expected a date (1-Jan-2000) at octet 12`},
		{` ON 32-Jan-1994`, `!expected a date (1-Jan-2000) at octet 12`},
		{` ON 30-Feb-1994`, `!expected a date (1-Jan-2000) at octet 12`},
		{` ON "1-Jan-1994`, `!expected a date (1-Jan-2000) at octet 12`},
		{` ON 1994-01-01`, `!expected a date (1-Jan-2000) at octet 12`},
		{` MODSEQ "/flags/x" foo 1`, `!expected all, priv or shared at octet 27`},
		{` CHARSET UTF-8`, `!expected a space at octet 22`},
	})
}

func TestSearchLimits(t *testing.T) {
	o := testOptions(false)
	o.Limits.Depth, o.Limits.SearchKeys, o.Limits.SearchString = 4, 6, 3
	checkParseWith(t, o, "SEARCH", ParseSearch, showSearch, []parseCase{
		{" (((ALL)))", "and(and(and(all)))"},
		{" ((((ALL))))", "!search keys are nested too deeply at octet 13"},
		{" NOT NOT NOT NOT ALL", "!search keys are nested too deeply at octet 25"},
		{" 1 2 3 4 5 6", "seqs:1 seqs:2 seqs:3 seqs:4 seqs:5 seqs:6"},
		{" 1 2 3 4 5 6 7", "!too many search keys at octet 21"},
		{" TEXT abcd", "!a string is too long at octet 14"},
		{` TEXT "abcd"`, "!the search string is too long at octet 20"},
	})
}
