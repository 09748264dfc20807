//! Keeps the conversation within bounds: when it grows too long, old large tool results are shortened, many at once, so that the
//! prompt cache's prefix breaks seldom. The trajectory keeps everything.

use crate::model::{Block, Conversation};

/// A conversation beyond this is shortened: about 120,000 tokens.
pub(super) const MOST: usize = 480_000;
/// What a result keeps of its beginning and of its end.
const KEPT: usize = 400;
/// So many of the last messages stay whole while there is a choice.
pub(super) const RECENT: usize = 8;

/// The conversation's size in bytes, about four of them a token.
pub(super) fn size(conversation: &Conversation) -> usize {
    let tools: usize = conversation.tools.iter().map(|tool| tool.description.len() + tool.schema.to_string().len()).sum();
    let blocks = conversation.messages.iter().flat_map(|message| &message.blocks);
    conversation.system.len() + tools + blocks.map(block_size).sum::<usize>()
}

fn block_size(block: &Block) -> usize {
    match block {
        Block::Text { text } | Block::Result { text, .. } => text.len(),
        Block::Call { input, name, .. } => name.len() + input.to_string().len(),
        Block::Provider { raw, .. } => raw.to_string().len(),
    }
}

/// Shortens the oldest results until the conversation is not larger than `most`, as far as that goes without the last `recent`
/// messages. False when nothing could be shortened.
pub(super) fn shorten(conversation: &mut Conversation, most: usize, recent: usize) -> bool {
    let mut size = size(conversation);
    let old = conversation.messages.len().saturating_sub(recent);
    let mut any = false;
    for block in conversation.messages[..old].iter_mut().flat_map(|message| &mut message.blocks) {
        if size <= most {
            break;
        }
        if let Block::Result { text, .. } = block
            && text.len() > 3 * KEPT
        {
            let before = text.len();
            *text = shortened(text);
            size -= before - text.len();
            any = true;
        }
    }
    any
}

fn shortened(text: &str) -> String {
    let head = text.floor_char_boundary(KEPT);
    let tail = text.ceil_char_boundary(text.len() - KEPT);
    format!("{}\n[... {} bytes of this old result left out; call again to see them ...]\n{}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Role};

    #[test]
    fn the_oldest_results_go_first_and_the_last_stay() {
        let result = |n: usize| Block::Result { id: n.to_string(), text: "ä".repeat(5_000), error: false };
        let messages = (0..20).map(|n| Message { role: Role::User, blocks: vec![result(n)] }).collect();
        let mut talk = Conversation { messages, ..Conversation::default() };
        assert!(shorten(&mut talk, 150_000, RECENT));
        let lengths: Vec<usize> = talk.messages.iter().map(|message| block_size(&message.blocks[0])).collect();
        assert!(lengths[..6].iter().all(|length| *length < 1_000) && lengths[6..].iter().all(|length| *length == 10_000), "{lengths:?}");
        assert!(shorten(&mut talk, 0, RECENT));
        assert!(talk.messages[12..].iter().all(|message| block_size(&message.blocks[0]) == 10_000));
        assert!(!shorten(&mut talk, 0, RECENT), "nothing is left to shorten");
    }
}
