package mailstore

import "slices"

// MailboxInfo is one line of LIST.
type MailboxInfo struct {
	Name string
	// ID is the MAILBOXID (RFC 8474); "" if NonExistent.
	ID          string
	UIDValidity uint32
	// SpecialUse are the attributes of RFC 6154, with backslash.
	SpecialUse []string
	Subscribed bool
	// NonExistent: no mailbox has this name. It is listed because it has
	// children (then HasChildren is set; \NonExistent with \NoSelect) or
	// because it is subscribed.
	NonExistent bool
	// HasChildren: a mailbox exists below this name.
	HasChildren bool
}

// tree is what LIST shows of one version of a user's manifest. It is immutable.
type tree struct {
	infos  []MailboxInfo
	byName map[string]int
	subs   []string
}

// buildTree makes the tree of the mailboxes (each with Name, ID, UIDValidity
// and SpecialUse set) and of the subscribed names, all canonical.
func buildTree(boxes []MailboxInfo, subscribed []string) *tree {
	all := make(map[string]*MailboxInfo, len(boxes)+len(subscribed))
	for i := range boxes {
		m := boxes[i]
		all[m.Name] = &m
	}
	for i := range boxes {
		for name, ok := parentName(boxes[i].Name); ok; name, ok = parentName(name) {
			p := all[name]
			if p == nil {
				p = &MailboxInfo{Name: name, NonExistent: true}
				all[name] = p
			}
			if p.HasChildren {
				break // and so have those above
			}
			p.HasChildren = true
		}
	}
	t := &tree{subs: slices.Clone(subscribed)}
	for _, name := range subscribed {
		p := all[name]
		if p == nil {
			p = &MailboxInfo{Name: name, NonExistent: true}
			all[name] = p
		}
		p.Subscribed = true
	}
	slices.SortFunc(t.subs, compareNames)
	t.infos = make([]MailboxInfo, 0, len(all))
	for _, p := range all {
		t.infos = append(t.infos, *p)
	}
	slices.SortFunc(t.infos, func(a, b MailboxInfo) int { return compareNames(a.Name, b.Name) })
	t.byName = make(map[string]int, len(t.infos))
	for i := range t.infos {
		t.byName[t.infos[i].Name] = i
	}
	return t
}

// lookup finds a canonical name.
func (t *tree) lookup(name string) (MailboxInfo, bool) {
	i, ok := t.byName[name]
	if !ok {
		return MailboxInfo{}, false
	}
	return t.infos[i], true
}
