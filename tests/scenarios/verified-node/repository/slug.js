exports.slug = (text) => text.replace(/\s+/g, '-').toLowerCase();
