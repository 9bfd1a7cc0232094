//! Images that look pleasant in demonstrations: northern lights and soft moons, different for every motif.

use crate::media::dice::Dice;
use crate::media::raster::Raster;

/// Draws an image. The scene is computed at the knots of a coarse grid, and integers blend the pixels between them, so
/// that large images are cheap even in debug builds.
pub(super) fn draw(motif: u64, width: usize, height: usize) -> Raster {
    let cell = (width.max(height) / 96).max(1);
    let (columns, rows) = (width / cell + 2, height / cell + 2);
    let scene = Scene::new(motif);
    let aspect = width as f32 / height as f32;
    let knots: Vec<[i32; 3]> = (0..rows * columns)
        .map(|knot| {
            let (x, y) = (knot % columns * cell, knot / columns * cell);
            scene.colour(x as f32 / width as f32, y as f32 / height as f32, aspect)
        })
        .collect();

    let mut pixels = Vec::with_capacity(width * height * 3);
    let mut row = vec![[0; 3]; columns];
    let repeat = (height / 256).max(1);
    for y in 0..height {
        // Adjacent rows of a large image hardly differ, so they are drawn once.
        if y % repeat != 0 {
            pixels.extend_from_within(pixels.len() - width * 3..);
            continue;
        }
        let (top, down) = (y / cell * columns, (y % cell * 256 / cell) as i32);
        for (column, knot) in row.iter_mut().enumerate() {
            *knot = blend(knots[top + column], knots[top + columns + column], down);
        }
        for x in (0..width).step_by(cell) {
            let ([mut red, mut green, mut blue], to) = (row[x / cell], row[x / cell + 1]);
            let [more_red, more_green, more_blue] =
                [to[0] - red, to[1] - green, to[2] - blue].map(|it| it / cell as i32);
            for _ in x..width.min(x + cell) {
                pixels.extend_from_slice(&[(red >> 8) as u8, (green >> 8) as u8, (blue >> 8) as u8]);
                (red, green, blue) = (red + more_red, green + more_green, blue + more_blue);
            }
        }
    }
    Raster { width, height, pixels, alpha: None }
}

/// Blends two colours. `part` is in 1/256.
fn blend(from: [i32; 3], to: [i32; 3], part: i32) -> [i32; 3] {
    std::array::from_fn(|channel| from[channel] + (((to[channel] - from[channel]) * part) >> 8))
}

type Colour = [f32; 3];

struct Scene {
    sky: Colour,
    ground: Colour,
    lights: [Light; 3],
    moons: [Moon; 4],
}

struct Light {
    colour: Colour,
    centre: f32,
    swing: f32,
    waves: f32,
    phase: f32,
    breadth: f32,
}

struct Moon {
    colour: Colour,
    x: f32,
    y: f32,
    radius: f32,
}

impl Scene {
    fn new(motif: u64) -> Self {
        let mut dice = Dice(motif);
        let hue = dice.roll();
        Scene {
            sky: hsv(hue + 0.6, 0.75, 0.22),
            ground: hsv(hue + 0.72, 0.6, 0.5),
            lights: std::array::from_fn(|index| Light {
                colour: hsv(hue + 0.3 + 0.12 * index as f32, 0.7, 0.75),
                centre: 0.2 + 0.2 * index as f32 + 0.1 * dice.roll(),
                swing: 0.05 + 0.12 * dice.roll(),
                waves: 3.0 + 6.0 * dice.roll(),
                phase: std::f32::consts::TAU * dice.roll(),
                breadth: 0.06 + 0.1 * dice.roll(),
            }),
            moons: std::array::from_fn(|_| Moon {
                colour: hsv(hue + 0.1 + 0.2 * dice.roll(), 0.35, 0.9),
                x: dice.roll(),
                y: dice.roll(),
                radius: 0.05 + 0.14 * dice.roll(),
            }),
        }
    }

    /// Returns the colour at a point from (0, 0) to (1, 1), with channels from 0 to 255 × 256.
    fn colour(&self, x: f32, y: f32, aspect: f32) -> [i32; 3] {
        let mut colour: Colour = std::array::from_fn(|channel| mix(self.sky[channel], self.ground[channel], y * y));
        for light in &self.lights {
            let distance = (y - light.centre - light.swing * (x * light.waves + light.phase).sin()) / light.breadth;
            let strength = (-distance * distance).exp() * (0.55 + 0.35 * (x * 9.0 + light.phase).cos());
            add(&mut colour, light.colour, strength);
        }
        for moon in &self.moons {
            let distance = ((x - moon.x) * aspect).hypot(y - moon.y) / moon.radius;
            add(&mut colour, moon.colour, 0.6 * smooth(1.15 - distance));
        }
        colour.map(|channel| (channel.clamp(0.0, 1.0) * 255.0 * 256.0) as i32)
    }
}

fn mix(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

fn add(colour: &mut Colour, light: Colour, strength: f32) {
    for (channel, light) in colour.iter_mut().zip(light) {
        *channel = mix(*channel, light, strength);
    }
}

/// Rises smoothly from 0 to 1 while `inside` goes from 0 to 0.3.
fn smooth(inside: f32) -> f32 {
    let part = (inside / 0.3).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

fn hsv(hue: f32, saturation: f32, value: f32) -> Colour {
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue * 6.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}
